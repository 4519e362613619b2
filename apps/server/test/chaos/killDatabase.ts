/** Kills the embedded database as a power cut does: all of its processes at once, and none of them gets to say a word. */
import { Effect } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { isRunning, postmasterOf, until } from "../serverProcess.ts"

/** The postmaster, stopped so that it starts no others from now on, and what it started. */
const holdAll = (folder: string): ReadonlyArray<number> => {
  const postmaster = postmasterOf(folder)
  if (postmaster === undefined) return []
  process.kill(postmaster, "SIGSTOP")
  const isOurs = (pid: string) => {
    const file = `/proc/${pid}/status`
    return existsSync(file) && Number(/^PPid:\s+(\d+)/m.exec(readFileSync(file, "utf8"))?.[1]) === postmaster
  }
  // Elsewhere than on Linux the others see by themselves, a moment later, that it is gone.
  const processes = existsSync("/proc") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : []
  return [postmaster, ...processes.filter(isOurs).map(Number)]
}

/** Returns when it is gone: a new one cannot start beside what is left of the old one. */
export const killDatabase = (folder: string) =>
  Effect.suspend(() => {
    const pids = holdAll(folder)
    for (const pid of pids) if (isRunning(pid)) process.kill(pid, "SIGKILL")
    return until("the database has ended", () => pids.every((pid) => !isRunning(pid)))
  })
