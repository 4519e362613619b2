/** How help, the version and wrong usage are told: help that was asked for on stdout, all else on stderr. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as CliOutput from "effect/cli/CliOutput"
import type * as CliError from "effect/cli/CliError"
import type { HelpDoc } from "effect/cli"
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
          for (const error of causesOf(event.errors)) {
            yield* Console.error(`hogsend: ${withoutKeys(yield* sentenceOf(error, event.helpDoc))}`)
          }
          yield* Console.error(`\nUsage: ${event.helpDoc.usage}\nSee ${event.commandPath.join(" ")} --help`)
        }
      }
    })
}

/** What follows from an unknown flag is left out: its value, which is taken for an argument then, may be a key. */
const causesOf = (errors: ReadonlyArray<CliError.NonShowHelpErrors>): ReadonlyArray<CliError.NonShowHelpErrors> => {
  const unknown = errors.filter(({ _tag }) => _tag === "UnrecognizedOption")
  return unknown.length > 0 ? unknown : errors
}

/** What is wrong, and the name that was perhaps meant: effect/cli knows those of the command, and not the global ones. */
const sentenceOf = Effect.fnUntraced(function* (
  error: CliError.NonShowHelpErrors,
  { flags, globalFlags = [] }: HelpDoc.HelpDoc
) {
  const [sentence = ""] = error.message.split("\n")
  if (!("suggestions" in error)) return error.message
  const [
    meant = error._tag === "UnrecognizedOption" ? yield* closestFlag(error.option, [...flags, ...globalFlags]) : ""
  ] = error.suggestions
  return meant === "" ? sentence : `${sentence}. Did you mean ${meant}?`
})

const closestFlag = (typed: string, known: ReadonlyArray<HelpDoc.FlagDoc>) =>
  Effect.promise(async () => {
    // The whole API, which nobody else needs for a start.
    const { closestName, editDistance } = await import("@hogsend/core")
    const closest = closestName(typed, ["--help", ...known.map(({ name }) => `--${name}`)])
    return editDistance(typed, closest) <= 3 ? closest : ""
  })
