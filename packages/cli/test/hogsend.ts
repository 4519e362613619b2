/** The command line as a process of its own, in a folder of its own, with nothing of this process's environment. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const bin = join(import.meta.dirname, "../bin/hogsend.mjs")

export interface Run {
  readonly stdout: string
  readonly stderr: string
  /** The exit code, or the signal that ended it. */
  readonly code: number | string | null
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
}

/** A folder without a `.env`. */
export const emptyFolder = () => mkdtempSync(join(tmpdir(), "hogsend-cli-"))

const somewhere = emptyFolder()

/** What `hogsend` with these arguments prints, and how it ends. */
export const hogsend = (args: ReadonlyArray<string>, { cwd = somewhere, env = {}, input = "" }: RunOptions = {}) =>
  Effect.promise(async (signal): Promise<Run> => {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd,
      env: { PATH: process.env["PATH"], TZ: "UTC", ...env },
      stdio: ["pipe", "pipe", "pipe"],
      signal
    })
    const streams = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (data: string) => (streams.stdout += data))
    child.stderr.setEncoding("utf8").on("data", (data: string) => (streams.stderr += data))
    // Most commands end without having read it.
    child.stdin.on("error", () => {}).end(input)
    await once(child, "close")
    return { ...streams, code: child.exitCode ?? child.signalCode }
  })
