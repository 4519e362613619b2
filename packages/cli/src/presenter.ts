/** How help, the version and wrong usage are told: help that was asked for on stdout, all else on stderr. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as CliOutput from "effect/cli/CliOutput"
import type * as CliError from "effect/cli/CliError"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { withoutKeys } from "./withoutKeys.ts"

export const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.gen(function* () {
      const { canColor } = yield* TerminalCapabilities
      const formatter = CliOutput.defaultFormatter({ colors: canColor })
      switch (event._tag) {
        case "Version":
          return yield* Console.log(event.version)
        case "Help": {
          const wanted = event.reason === "Requested" || event.commandPath.length === 1
          return yield* (wanted ? Console.log : Console.error)(formatter.formatHelpDoc(event.helpDoc))
        }
        case "InvalidInvocation": {
          for (const line of causesOf(event.errors)) yield* Console.error(`hogsend: ${withoutKeys(line)}`)
          yield* Console.error(`\nUsage: ${event.helpDoc.usage}\nSee ${event.commandPath.join(" ")} --help`)
        }
      }
    })
}

/** What follows from an unknown flag is left out: its value, which is taken for an argument then, may be a key. */
const causesOf = (errors: ReadonlyArray<CliError.NonShowHelpErrors>): ReadonlyArray<string> => {
  const unknown = errors.filter(({ _tag }) => _tag === "UnrecognizedOption")
  return (unknown.length > 0 ? unknown : errors).map(({ message }) => message)
}
