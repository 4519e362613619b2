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
  // util-linux gives it a terminal; what is written to `script` is typed.
  const [program = "", ...args] = terminal ? ["script", "-qec", line.map(quote).join(" "), "/dev/null"] : line
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, detached: true })
  const printed: Array<string> = []
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => printed.push(text))
  if (!terminal) child.stdin.end()
  const output = () => printed.join("")
  const state = { ended: false }
  const ended = once(child, "close").then(() => {
    state.ended = true
    return child.exitCode
  })
  const waitFor = async (pattern: RegExp): Promise<string> => {
    const found = pattern.exec(output())
    if (found !== null) return found[1] ?? found[0]
    if (state.ended) throw new Error(`It ended without ${pattern}:\n${output()}`)
    await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), ended])
    return waitFor(pattern)
  }
  return {
    output,
    printed: waitFor,
    type: (keys) => child.stdin.write(keys),
    signal: (signal) => process.kill(-(child.pid ?? 0), signal),
    ended
  }
}
