/** A program that a test starts, in a process group of its own: what it prints, what is typed into it, and how it ends. */
import { spawn } from "node:child_process"
import { once } from "node:events"

export interface Program {
  readonly output: () => string
  /** The first group of the pattern, or all of it, as soon as it was printed. Fails when the program ends before. */
  readonly printed: (pattern: RegExp) => Promise<string>
  readonly type: (keys: string) => void
  /** To the program and all that it started, as a terminal does it. */
  readonly signal: (signal: NodeJS.Signals) => void
  readonly ended: Promise<number | null>
}

export interface ProgramOptions {
  readonly folder: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** With something to type into. */
  readonly terminal?: boolean
}

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

export const startProgram = (line: ReadonlyArray<string>, { env, folder, terminal }: ProgramOptions): Program => {
  // util-linux gives it a terminal, which has no width before somebody sets one; what is written to `script` is typed.
  const inTerminal = `stty cols 200 rows 50; ${line.map(quote).join(" ")}`
  const [program = "", ...args] = terminal ? ["script", "-qec", inTerminal, "/dev/null"] : line
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, detached: true })
  const printed: Array<string> = []
  const waiting = new Set<() => void>()
  const look = () => waiting.forEach((again) => again())
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed.push(text)
      look()
    })
  }
  if (!terminal) child.stdin.end()
  const output = () => printed.join("")
  const ended = once(child, "close").then(() => child.exitCode)
  const waitFor = (pattern: RegExp) =>
    new Promise<string>((found, failed) => {
      const again = () => {
        const [all, group] = pattern.exec(output()) ?? []
        if (all === undefined) return
        waiting.delete(again)
        found(group ?? all)
      }
      waiting.add(again)
      again()
      void ended.then(() => failed(new Error(`It ended without ${pattern}:\n${output()}`)))
    })
  return {
    output,
    printed: waitFor,
    type: (keys) => child.stdin.write(keys),
    signal: (signal) => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), signal)
    },
    ended
  }
}
