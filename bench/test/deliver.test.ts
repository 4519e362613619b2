import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { envelopes } from "../src/deliver/envelopes.ts"
import { makeSignedPost } from "../src/deliver/signedPost.ts"
import { startReceiver } from "../src/deliver/startReceiver.ts"
import { deliverWith } from "../src/deliver.ts"

const [secret, another] = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`)

it.live(
  "ours, with an order and without, and both peers deliver every message of a backlog, signed",
  () =>
    Effect.gen(function* () {
      const { columns, rows } = yield* deliverWith({
        rounds: 1,
        backlog: 200,
        shortBacklog: 50,
        graphileWorkerJobs: [4],
        pgBossWorkers: [{ workers: 1, batch: 20 }]
      })
      expect(rows).toHaveLength(4)
      for (const row of rows) {
        expect(row).toHaveLength(columns.length)
        expect(Number(row[1]?.replaceAll(",", ""))).toBeGreaterThan(0)
      }
    }),
  { timeout: 60_000 }
)

it.live("the receiver tells repetitions, and a signature of another secret, and when all have arrived", () =>
  Effect.gen(function* () {
    const receiver = yield* startReceiver
    yield* receiver.expect(2, String(secret))
    const [first, second] = envelopes(2)
    if (first === undefined || second === undefined) return expect.fail("There are no envelopes.")
    const send = (message: { readonly id: string; readonly body: string }, from = secret) =>
      Effect.promise(() => makeSignedPost({ url: receiver.url, secret: String(from) })(message))
    yield* send(first)
    yield* send(first)
    expect(yield* receiver.counted).toEqual({ arrived: 2, messages: 1, unsigned: 0, seconds: null })
    yield* send(second)
    expect(yield* receiver.arrived).toMatchObject({ arrived: 3, messages: 2, unsigned: 0 })
    yield* receiver.expect(1, String(secret))
    yield* send(first, another)
    expect(yield* receiver.counted).toMatchObject({ arrived: 1, messages: 1, unsigned: 1 })
  }).pipe(Effect.scoped)
)
