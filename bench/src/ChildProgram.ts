/**
 * Programs as child processes: one that serves until its scope closes, and one that runs to its end.
 *
 * A server gets the environment that it is given and no other. Whatever a program wrote is told when it fails.
 */
import { Effect, Schedule, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"

/** The root of the checkout, where every program is started. */
export const root = join(import.meta.dirname, "../..")

/** A program that serves. */
export interface ChildProgram {
  readonly pid: number
  /** Waits until it has printed this. */
  readonly printed: (pattern: RegExp) => Effect.Effect<RegExpExecArray, Error>
}

/**
 * Runs a file with this Node, in a process group of its own. When the scope closes it is asked to stop, and the group is
 * killed when it has not in half a minute.
 */
export const startNode = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
): Effect.Effect<ChildProgram, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, args, {
          cwd: root,
          env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...env },
          stdio: ["ignore", "pipe", "pipe"],
          detached: true
        })
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const exit = once(child, "exit")
          child.kill("SIGTERM")
          const impatience = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), 30_000)
          await exit
          clearTimeout(impatience)
        })
    ),
    (child) => {
      const written: Array<string> = []
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => written.push(text))
      }
      const output = () => written.join("")
      const look = (pattern: RegExp) =>
        Effect.suspend(() => {
          const found = pattern.exec(output())
          if (found !== null) return Effect.succeed(found)
          return Effect.fail(new Error(`${args.join(" ")} did not print ${pattern}, but: ${output()}`))
        })
      return {
        pid: child.pid ?? 0,
        printed: (pattern) =>
          Effect.retry(look(pattern), {
            schedule: Schedule.spaced("2 millis"),
            times: 30_000,
            while: () => child.exitCode === null && child.signalCode === null
          })
      }
    }
  )

/** Ends the bench, before anything was started, when one of these programs is not on the path. */
export const requirePrograms = (programs: ReadonlyArray<{ readonly name: string; readonly from: string }>) =>
  Effect.forEach(programs, ({ from, name }) =>
    Effect.callback<void>((resume) => {
      const child = spawn(name, ["--version"], { stdio: "ignore" })
      child.on("error", () => resume(Effect.die(`This bench needs ${name}, which is not on the path: ${from}`)))
      child.on("close", () => resume(Effect.void))
    })
  )

/** Runs a program to its end and answers what it wrote to stdout. */
export const runToEnd = (program: string, args: ReadonlyArray<string>): Effect.Effect<string, Error> =>
  Effect.callback((resume) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    const output = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text))
    child.on("error", (error) => resume(Effect.fail(error)))
    child.on("close", (code) =>
      resume(
        code === 0
          ? Effect.succeed(output.stdout)
          : Effect.fail(new Error(`${program} ended with ${code}: ${output.stdout}${output.stderr}`))
      )
    )
    return Effect.sync(() => child.kill())
  })
