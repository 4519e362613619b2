/**
 * Runs a program to its end, as another user when asked.
 *
 * It stands in a session of its own, so a Ctrl-C in the terminal does not reach it, and it gets a nearly empty
 * environment: a Postgres that outlives us must not carry our secrets in its own. Exit codes are values, not failures.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import type { ServerAccount } from "./ServerAccount.ts"

/** What a program answered: its exit code (-1 when a signal ended it or it could not be started) and all its output. */
export interface ProgramResult {
  readonly code: number
  readonly output: string
}

export const runProgram = (
  program: string,
  args: ReadonlyArray<string>,
  account?: ServerAccount | undefined
): Effect.Effect<ProgramResult> =>
  Effect.callback<ProgramResult>((resume) => {
    const child = spawn(program, args, {
      cwd: "/",
      env: { LC_ALL: "C", PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      ...account
    })
    const output: Array<Buffer> = []
    const collect = (chunk: Buffer) => void output.push(chunk)
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    child.on("error", (error) => resume(Effect.succeed({ code: -1, output: error.message })))
    child.on("close", (code) =>
      resume(Effect.succeed({ code: code ?? -1, output: Buffer.concat(output).toString("utf8").trim() }))
    )
    return Effect.sync(() => child.kill())
  })
