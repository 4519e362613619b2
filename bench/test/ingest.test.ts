import { expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ask } from "../src/ask.ts"
import { BenchPostgres } from "../src/BenchPostgres.ts"
import { startHogsend, type Target } from "../src/HogsendProgram.ts"
import { startPeer } from "../src/ingest.ts"

const post = (target: Target, body: object) =>
  Effect.promise(async () => {
    const response = await fetch(`${target.url}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${target.key}`, "content-type": "application/json" },
      body: JSON.stringify(body)
    })
    return { status: response.status, body: (await response.json()) as unknown }
  })

const requests = [
  { name: "signed_up", userId: "u_1", contactProperties: { plan: "free" }, idempotencyKey: "one" },
  { name: "signed_up", userId: "u_1", contactProperties: { plan: "free" }, idempotencyKey: "one" },
  { name: "order_placed", userId: "u_1", eventProperties: { items: 3 }, idempotencyKey: "two" },
  { name: "order_placed", userId: "u_1", contactProperties: { plan: "pro", trial: null }, idempotencyKey: "three" },
  { name: "order_placed", userId: "u_2" }
]

/** What is stored, without ids and times. */
const stored = (url: Redacted.Redacted<string>) =>
  Effect.forEach(
    [
      "select properties, source from hogsend.contacts order by id",
      "select kind, certified, asserted_by, contact_id is null as free from hogsend.identity_keys order by kind, value",
      "select action, rule, contact_id is null as nobody, key_id is null as keyless from hogsend.identity_ledger order by id",
      `select name, properties, source, vouched_by, idempotency_key, k.value from hogsend.events e
        join hogsend.identity_keys k on k.id = e.key_id order by e.id`,
      "select scope, key, length(fingerprint) from hogsend.idempotency_keys order by key"
    ],
    (statement) => ask(url, statement)
  )

it.live(
  "the hand-written peer answers the same events as ours does, and stores the same",
  () =>
    Effect.gen(function* () {
      const { create } = yield* BenchPostgres
      const [ourUrl, peerUrl] = [yield* create, yield* create]
      const [ours, peer] = [yield* startHogsend(ourUrl), yield* startPeer(peerUrl, 4)]
      const [byOurs, byPeer] = yield* Effect.forEach([ours, peer], (target) =>
        Effect.forEach(requests, (body) => post(target, body))
      )
      expect(byPeer).toEqual(byOurs)
      expect(byOurs?.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
      expect(yield* post({ ...peer, key: "hsk_another" }, { name: "a", userId: "u_1" })).toMatchObject({ status: 401 })
      expect(yield* stored(peerUrl)).toEqual(yield* stored(ourUrl))
    }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer())),
  { timeout: 60_000 }
)

it.live(
  "a durable Postgres flushes what is committed, and another does not",
  () =>
    Effect.gen(function* () {
      for (const durable of [true, false]) {
        const [settings] = yield* Effect.gen(function* () {
          const { create } = yield* BenchPostgres
          const asked = ["fsync", "synchronous_commit", "full_page_writes"]
          return yield* ask(yield* create, `select ${asked.map((name) => `current_setting('${name}') as ${name}`)}`)
        }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer({ durable })))
        expect(new Set(Object.values(settings ?? {}))).toEqual(new Set([durable ? "on" : "off"]))
      }
    }),
  { timeout: 60_000 }
)
