/** What `hogsend dev` does in the folder of an app: the app as a process of its own, which ends with this one. */
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import { endsInOrder } from "./endsInOrder.ts"
import { Failed } from "./Failed.ts"
import { note } from "./output.ts"

interface Run {
  readonly env: Readonly<Record<string, string>>
  readonly watch: boolean
}

export const runEntry = (entry: string, { env, watch }: Run) =>
  Effect.gen(function* () {
    yield* note(`Running ${entry}${watch ? ", and again after every change" : ""}. Ctrl-C ends it.`)
    const flags = [...(watch ? ["--watch"] : []), "--env-file-if-exists=.env"]
    const stdio = { stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const
    const app = yield* ChildProcess.make(process.execPath, [...flags, entry], { ...stdio, env, extendEnv: true })
    const code = yield* app.exitCode
    if (code !== 0) return yield* new Failed({ message: `${entry} ended with the exit code ${code}` })
  }).pipe(
    Effect.catchTag("PlatformError", ({ message }) => new Failed({ message: `cannot run ${entry}: ${message}` })),
    Effect.scoped,
    endsInOrder
  )
