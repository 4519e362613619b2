/** A program in the app's folder. Where it failed, what it printed is told. */
import { spawn } from "node:child_process"

export type Ran = { readonly ok: true } | { readonly ok: false; readonly output: string }

export interface Where {
  readonly folder: string
  /** Ends the program. */
  readonly signal: AbortSignal
}

export const run = (program: string, args: ReadonlyArray<string>, { folder, signal }: Where): Promise<Ran> =>
  new Promise((done) => {
    const child = spawn(program, [...args], {
      cwd: folder,
      signal,
      // On Windows the package managers are scripts, which need a shell.
      shell: process.platform === "win32" && program !== "git",
      stdio: ["ignore", "pipe", "pipe"]
    })
    const printed: Array<string> = []
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => printed.push(text))
    }
    child.on("error", ({ message }) => done({ ok: false, output: message }))
    child.on("close", (code) => done(code === 0 ? { ok: true } : { ok: false, output: printed.join("").trim() }))
  })
