/** `hogsend doctor`: asks the server what is wrong with it, and says what to do. */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { Failed, WrongUsage } from "./Failed.ts"
import { note, printResult } from "./output.ts"
import { adminKey, dataKey, serverUrl } from "./server.ts"

const seconds = (name: string, standard: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (given) => given >= 1 && given <= 3600,
      () => "must be 1 to 3600 seconds"
    ),
    Flag.withDescription(`${description}, in seconds, default ${standard}`),
    Flag.withDefault(standard)
  )

export const doctor = Command.make(
  "doctor",
  {
    loop: Flag.Boolean("loop").pipe(
      Flag.withDescription(
        "Send an event of a person made up for it around the loop of the analytics platform, and erase them"
      ),
      Flag.withDefault(false)
    ),
    loopTimeout: seconds("loop-timeout", 60, "How long to wait for that event"),
    timeout: seconds("timeout", 15, "How long each question may take")
  },
  Effect.fnUntraced(function* ({ loop, loopTimeout, timeout }) {
    // Loaded by whoever runs it, and by nobody who asks for help.
    const [{ examine }, { textOf }] = yield* Effect.promise(() =>
      Promise.all([import("./doctor/examine.ts"), import("./doctor/report.ts")])
    )
    const given = yield* serverUrl
    const base = URL.parse(given.value)
    if (base === null || !/^https?:$/.test(base.protocol) || `${base.username}${base.search}${base.hash}` !== "") {
      return yield* new WrongUsage({
        message: `the URL of ${given.from} must be one of http or https, without a user, a query and a fragment`
      })
    }
    if (loop) yield* note(`An event is on its way around the loop; that may take ${loopTimeout} seconds…`)
    const report = yield* examine({
      url: { ...given, value: `${base.origin}${base.pathname}`.replace(/\/+$/, "") },
      adminKey: yield* adminKey,
      dataKey: yield* dataKey,
      timeout: timeout * 1000,
      loop: loop ? { patience: loopTimeout * 1000 } : undefined
    })
    const { canColor } = yield* TerminalCapabilities
    yield* printResult(report, () => textOf(report, canColor))
    const failed = report.checks.filter(({ status }) => status === "fail")
    if (failed.length > 0) {
      return yield* new Failed({ message: `failed: ${failed.map(({ id }) => id).join(", ")}` })
    }
  })
).pipe(
  Command.withDescription(
    "Ask the server how it is: reachability, keys, clocks, migrations, deliveries, analytics, warnings; and say of what is wrong what to do. Without a key it says what can be said without one. Exit code 0: nothing failed; 1: something did."
  ),
  Command.withShortDescription("Find out what is wrong, and what to do"),
  Command.withExamples([
    { command: "hogsend doctor" },
    { command: "hogsend doctor --url https://hogsend.example.com --json" },
    { command: "hogsend doctor --loop", description: "With an event around the loop of PostHog" }
  ])
)
