/**
 * `start`: from the command to the first event that was stored, as `npm start` runs it, on the embedded database.
 *
 * With the packages installed. The very first start finds nothing compiled and an empty data folder; those after it find
 * what was compiled, on empty folders and on the one that is there. The server says where it listens; the first request
 * goes out as soon as it has, and must be accepted.
 */
import { Console, Effect } from "effect"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Bench, Report } from "./Bench.ts"
import { startNode } from "./ChildProgram.ts"
import { grouped } from "./grouped.ts"
import { median } from "./measure.ts"

/** A folder that the database's user can enter, for as long as the scope lives. */
const temporaryFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "hogsend-start-"))
    await chmod(folder, 0o755)
    return folder
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

const store = (port: string, key: string) =>
  Effect.tryPromise(async () => {
    const { status } = await fetch(`http://127.0.0.1:${port}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "signed_up", userId: "user_1" })
    })
    if (status !== 202) throw new Error(`The first event was answered with ${status}`)
  })

/** One start and stop. It answers the milliseconds to the first 202, and the key, which a first start prints. */
const startOnce = (compiled: string, data: string, knownKey?: string) =>
  Effect.gen(function* () {
    const begun = performance.now()
    const { printed } = yield* startNode(["run.mjs", "apps/server/src/main.ts"], {
      PORT: "0",
      HOST: "127.0.0.1",
      HOGSEND_DATA_DIR: data,
      NODE_COMPILE_CACHE: compiled
    })
    const [, port = ""] = yield* printed(/Hogsend serves http:\/\/\S+:(\d+) /)
    const key = knownKey ?? (yield* printed(/first-secret +(hsk_\S+)/))[1] ?? ""
    yield* store(port, key)
    return { millis: performance.now() - begun, key }
  }).pipe(Effect.scoped)

/** Starts with nothing compiled, then on an empty folder, then again on that folder. */
const startThrice = Effect.gen(function* () {
  const compiled = yield* temporaryFolder
  const first = yield* startOnce(compiled, yield* temporaryFolder)
  const data = yield* temporaryFolder
  const cold = yield* startOnce(compiled, data)
  const again = yield* startOnce(compiled, data, cold.key)
  return { first: first.millis, cold: cold.millis, again: again.millis }
}).pipe(Effect.scoped)

const kinds = {
  first: "the very first start: nothing compiled, an empty folder",
  cold: "a start on an empty folder",
  again: "a start on the folder of the last one"
}

const goal = 3_000

const startTimes = (rounds: number): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const times = yield* Effect.forEach(Array.from({ length: rounds }), (_, round) =>
      Effect.andThen(Console.error(`round ${round + 1} of ${rounds}`), startThrice)
    )
    return {
      columns: ["to the first stored event", "median ms", "best", "worst", "goal"],
      rows: (["first", "cold", "again"] as const).map((kind) => {
        const millis = times.map((round) => round[kind])
        const numbers = [median(millis), Math.min(...millis), Math.max(...millis)]
        return [kinds[kind], ...numbers.map(grouped), `< ${grouped(goal)}`]
      }),
      notes: [`From spawning \`node run.mjs\` to the first 202, ${rounds} times each, packages installed.`],
      numbers: times
    }
  })

/** The plan that the goal is judged by. */
export const start: Bench = {
  description: "from nothing to the first stored event, on the embedded database",
  run: startTimes(5)
}
