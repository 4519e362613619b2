/**
 * What a killed process cannot do: leave the throwaway Postgres, so that it is stopped and removed when nobody else uses it.
 *
 * A second process waits for the end of a pipe, which the system closes with the first one however that ends, and looks for
 * what was left. It costs an idle Node process, and never keeps a run from ending.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL(`./afterKill${extname(import.meta.url)}`, import.meta.url))

const watched = new Set<string>()

/** For the database in this folder. */
export const leaveWhenKilled = (dataDirectory: string) =>
  Effect.sync(() => {
    if (watched.has(dataDirectory)) return
    watched.add(dataDirectory)
    const watcher = spawn(process.execPath, [program], { detached: true, stdio: ["pipe", "ignore", "ignore"] })
    // Where there are no processes to be had, the next run removes what a killed one left.
    watcher.on("error", () => undefined)
    watcher.stdin.on("error", () => undefined)
    watcher.stdin.write(dataDirectory)
    watcher.unref()
  })
