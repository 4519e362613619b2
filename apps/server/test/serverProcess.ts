/** The real server as a child process: what it prints, where it listens, how it ends. Killed with its scope. */
import { Effect, Schedule, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "../../..")

export interface ServerProcess {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  /** What it printed, both streams. */
  readonly output: () => string
  /** Waits until it has printed this. */
  readonly printed: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** The exit code, or the signal that ended it. */
  readonly ended: Effect.Effect<number | NodeJS.Signals | null>
}

/** Any program of this app in a process group of its own, with this environment and nothing else. */
export const runProgram = (
  file: string,
  env: Readonly<Record<string, string>>
): Effect.Effect<ServerProcess, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(join(root, "node_modules/.bin/node"), [join(root, "apps/server/src", file)], {
          cwd: root,
          env: { PATH: process.env.PATH, ...env },
          stdio: ["ignore", "pipe", "pipe"],
          detached: true
        })
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const exit = once(child, "exit")
          child.kill("SIGKILL")
          await exit
        })
    ),
    (child) => {
      const streams = { stdout: "", stderr: "" }
      child.stdout.setEncoding("utf8").on("data", (data: string) => (streams.stdout += data))
      child.stderr.setEncoding("utf8").on("data", (data: string) => (streams.stderr += data))
      const closed = once(child, "close")
      const output = () => streams.stdout + streams.stderr
      return {
        pid: child.pid ?? 0,
        stdout: () => streams.stdout,
        stderr: () => streams.stderr,
        output,
        printed: (pattern) =>
          until(
            `it prints ${pattern}`,
            () => {
              const found = pattern.exec(output())
              if (found === null && child.exitCode !== null) throw new Error(`It ended: ${output()}`)
              return found ?? undefined
            },
            output
          ),
        kill: (signal) => Effect.sync(() => child.kill(signal)),
        ended: Effect.promise(async () => {
          await closed
          return child.exitCode ?? child.signalCode
        })
      }
    }
  )

/** Polls, for 40 seconds and longer: a slow machine is no failure. */
export const until = <A>(what: string, ask: () => A | undefined, seen: () => string = () => ""): Effect.Effect<A> =>
  Effect.suspend(() => {
    const answer = ask()
    return answer === undefined || answer === false ? Effect.fail("not yet") : Effect.succeed(answer)
  }).pipe(
    Effect.retry({ schedule: Schedule.spaced("10 millis"), times: 4000 }),
    Effect.mapError(() => new Error(`Waited in vain until ${what}. ${seen()}`)),
    Effect.orDie
  )

/** The server on a free port. */
export const startServer = (env: Readonly<Record<string, string>>) => runProgram("main.ts", { PORT: "0", ...env })

export const addressOf = (server: ServerProcess) =>
  Effect.map(server.printed(/Hogsend serves (http:\/\/\S+) /), ([, address = ""]) => address)

/** The two keys that a first start prints. */
export const keysOf = (server: ServerProcess) =>
  Effect.map(
    server.printed(/first-secret +(hsk_\S+)[^]*first-localhost +(pk_\S+)[^]*-d '.*'\n/),
    ([, secret = "", publishable = ""]) => ({ secret, publishable })
  )

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // Tests look into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

export const request = (
  method: string,
  url: string,
  { body, key, ...headers }: { key?: string; body?: unknown; [header: string]: unknown } = {}
) =>
  Effect.promise(async (): Promise<Answer> => {
    const response = await fetch(url, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(headers as Record<string, string>)
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text.startsWith("{") ? JSON.parse(text) : text }
  })

/** Whether a new connection is taken. */
export const isOpen = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("connect", () => resume(Effect.succeed(true)))
    socket.on("error", () => resume(Effect.succeed(false)))
    socket.on("connect", () => socket.destroy())
  })

/** A command line of bash; what it wrote to stdout. */
export const bash = (line: string, env: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const child = spawn("bash", ["-c", line], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "ignore"]
    })
    let written = ""
    child.stdout.setEncoding("utf8").on("data", (data: string) => (written += data))
    await once(child, "close")
    return written
  })

/** A folder for data that whoever the database runs as can enter. Its postgres is ended with it, should it still run. */
export const dataFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "hogsend-process-"))
    await chmod(folder, 0o755)
    return folder
  }),
  (folder) =>
    Effect.gen(function* () {
      const postmaster = postmasterOf(folder)
      if (postmaster !== undefined && isRunning(postmaster)) {
        process.kill(postmaster, "SIGQUIT")
        yield* until("the database has ended", () => !isRunning(postmaster))
      }
      yield* Effect.promise(() => rm(folder, { recursive: true, force: true }))
    })
)

/** The pid of the database's server in a data folder; none while the file is there but nothing is written to it yet. */
export const postmasterOf = (folder: string): number | undefined => {
  const cluster = readdirSync(folder).find((name) => /^postgres-\d+$/.test(name)) ?? "none"
  const file = join(folder, cluster, "postmaster.pid")
  const pid = existsSync(file) ? Number.parseInt(readFileSync(file, "utf8"), 10) : 0
  return pid > 0 ? pid : undefined
}

export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A process that has ended but was not waited for is not running.
  return !existsSync(`/proc/${pid}/status`) || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
}
