/**
 * The program of `leaveWhenKilled`: reads the folder of a throwaway database, waits until who uses it is gone, and stops the
 * server if they did not and were the last. It loads nothing of ours before.
 */
import { existsSync } from "node:fs"
import { text } from "node:stream/consumers"

const dataDirectory = await text(process.stdin)
if (existsSync(dataDirectory)) {
  const [{ Effect }, { stopUnusedServer }] = await Promise.all([import("effect"), import("./TestServer.ts")])
  // Loading took its time, in which others may have left.
  if (existsSync(dataDirectory)) await Effect.runPromise(stopUnusedServer)
}
