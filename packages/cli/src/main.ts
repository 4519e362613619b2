/** The program: runs the command that was typed. Exit code 0: done; 1: failed; 2: wrong usage. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { completions } from "./completions.ts"
import { hogsend } from "./hogsend.ts"
import { presenter } from "./presenter.ts"
import { version } from "./version.ts"
import { withoutKeys } from "./withoutKeys.ts"

const exitWith = (code: number) =>
  Effect.sync(() => {
    process.exitCode = code
  })

const explain = (message: string) => Console.error(`hogsend: ${withoutKeys(message)}`)

const main = Command.run(hogsend, { version }).pipe(
  Effect.catchTags({
    Failed: ({ message }) => Effect.andThen(explain(message), exitWith(1)),
    WrongUsage: ({ message }) => Effect.andThen(explain(message), exitWith(2)),
    // It has been told. Nothing but `hogsend` was typed: that is how one asks what there is.
    ShowHelp: ({ commandPath, errors }) => exitWith(errors.length === 0 && commandPath.length === 1 ? 0 : 2)
  }),
  Effect.catchCause((cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.failCause(cause)
      : Effect.andThen(explain(`this is a bug of hogsend: ${String(Cause.squash(cause))}`), exitWith(1))
  ),
  Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, completions] })),
  Effect.provide(CliOutput.layerPresenter(presenter)),
  Effect.provide(NodeServices.layer)
)

// Whoever reads no further (`| head -1`) has what they wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

const codeOf = (exit: Exit.Exit<unknown, unknown>) => Number(process.exitCode ?? (Exit.isSuccess(exit) ? 0 : 130))

// What was printed may still be on its way through a pipe, and an exit would cut it off.
const flushed = (then: () => void) => process.stdout.write("", () => process.stderr.write("", then))

NodeRuntime.runMain(main, { teardown: (exit, onExit) => flushed(() => onExit(codeOf(exit))) })
