/** A program in the app's folder. Where it failed, what it printed is the answer. */
import { spawn } from "node:child_process"

export type Ran = { readonly ok: true } | { readonly ok: false; readonly output: string }

export const run = (program: string, args: ReadonlyArray<string>, folder: string): Promise<Ran> =>
  new Promise((done) => {
    // On Windows the package managers are scripts, which need a shell.
    const child = spawn(program, [...args], {
      cwd: folder,
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text))
    }
    child.on("error", ({ message }) => done({ ok: false, output: message }))
    child.on("close", (code) => done(code === 0 ? { ok: true } : { ok: false, output: output.trim() }))
  })

/** A repository with the app as its first commit; none inside of another one, nor where there is no git. */
export const makeRepository = async (folder: string): Promise<void> => {
  if ((await run("git", ["rev-parse", "--is-inside-work-tree"], folder)).ok) return
  for (const args of [["init"], ["add", "--all"], ["commit", "--message", "The app that create-hogsend made"]]) {
    if (!(await run("git", args, folder)).ok) return
  }
}
