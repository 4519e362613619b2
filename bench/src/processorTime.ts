/**
 * Seconds of processor time that processes have used, user and system together, as Linux counts them in `/proc`.
 *
 * What bounds a contender is read from this: two that are both at the limit of the machine differ in what an event costs.
 * On another system there is nothing to read, and every number is 0.
 */
import { readFileSync } from "node:fs"

/** Ticks a second: the same on every Linux that Node runs on. */
const ticks = 100

const isLinux = process.platform === "linux"

/** What the kernel says of a process; nothing when it has just ended. */
const fieldsOf = (pid: number): ReadonlyArray<string> => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The name of the program, in parentheses, may hold anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")
  } catch {
    return []
  }
}

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, number) => total + number, 0)

const seconds = (fields: ReadonlyArray<string>) => sum(fields.map(Number)) / ticks

/** Of one process. */
export const secondsOf = (pid: number): number => seconds(fieldsOf(pid).slice(11, 13))

/** Of the children that a process had and waited for. */
export const secondsOfEnded = (pid: number): number => seconds(fieldsOf(pid).slice(13, 15))

/** Of a process and all its children, those that have ended among them. */
export const secondsOfFamily = (pid: number): number => {
  if (!isLinux) return 0
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
  return sum(children.map(secondsOf)) + secondsOf(pid) + secondsOfEnded(pid)
}

/** Of everything that runs on the machine. */
export const secondsOfMachine = (): number => {
  if (!isLinux) return 0
  const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n")[0]?.split(/ +/) ?? []
  return seconds([user, nice, system, irq, softirq].map(String))
}
