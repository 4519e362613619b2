/**
 * What must hold of a server whose database is in trouble, told from outside: requests come in all the time, before, during
 * and after the trouble. Every answer is a 202, or a 503 that may be sent again; no request waits for ever; and in the end
 * every event is there once and whole, whether it was taken at once or sent again.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect } from "@effect/vitest"
import { type Answer, TestHogsend } from "@hogsend/testing"
import { Effect, Fiber, Layer, Logger, Redacted, Schedule } from "effect"
import type { HogsendServerOptions } from "../../src/HogsendServer.ts"
import { Postgres } from "../../src/Postgres.ts"

/** Short, so that nobody needs to wait. */
const timeout = 400

export const poolMax = 4

/** A server as `main.ts` makes it, over a database of the test's choice, and with short times. */
export const serverOn = (url: string, options: Partial<HogsendServerOptions> = {}) =>
  TestHogsend.serverLayer({
    migrate: "auto",
    database: { timeout, taskTimeout: 1.5 * timeout },
    health: { probeTimeout: timeout },
    warnings: { interval: 50 },
    erasures: { interval: 50, softDays: 0 },
    housekeeping: { interval: 50 },
    keyGate: { epochInterval: 50 },
    destinationQueue: { slots: 8, interval: 50 },
    ...options
  }).pipe(
    Layer.provideMerge(Postgres.layer({ databaseUrl: Redacted.make(url), dataDirectory: "/nowhere", poolMax })),
    Layer.provide(Logger.layer([])),
    Layer.orDie
  )

const soon = Schedule.spaced("10 millis")

export const until = <R>(condition: Effect.Effect<boolean, never, R>) =>
  Effect.repeat(condition, { until: (done) => done, schedule: soon })

/** As a caller does who is told to send the same request again. */
const again = <R>(call: Effect.Effect<Answer, never, R>) =>
  Effect.repeat(call, { while: ({ status }) => status === 503, schedule: soon })

const writers = 12

const people = 5

/** Sends events until it is told to stop. */
const makeLoad = Effect.gen(function* () {
  const { asServer } = yield* TestHogsend
  const answers: Array<{ readonly key: string; readonly answer: Answer }> = []
  const state = { sent: 0, stopped: false }
  const send = (key: string) =>
    asServer(
      "POST",
      "/v1/events",
      // The unknown field is a warning, which is stored in the background.
      { name: "ordered", userId: `u_${Number(key) % people}`, contactProperties: { last: key }, properties: {} },
      { "idempotency-key": key }
    )
  const write = Effect.gen(function* () {
    while (!state.stopped) {
      const key = String(state.sent++)
      answers.push({ key, answer: yield* send(key) })
    }
  })
  const count = (status: number) => answers.filter(({ answer }) => answer.status === status).length
  const fibers = yield* Effect.forEach(Array.from({ length: writers }), () => Effect.forkChild(write))
  /** Waits for so many more answers of this status. */
  const next = (status: number, more: number) =>
    Effect.suspend(() => {
      const before = count(status)
      return until(Effect.sync(() => count(status) >= before + more))
    })
  const stop = Effect.gen(function* () {
    state.stopped = true
    for (const fiber of fibers) yield* Fiber.join(fiber)
    return answers
  })
  return { next, send, stop }
})

export type Load = Effect.Success<typeof makeLoad>

/** Refusals that are told apart from a trickle of them: every writer has had more than one. */
export const manyRefusals = 2 * writers + 1

const expectOnceAndWhole = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
  const sql = yield* PgClient.PgClient
  const events = yield* sql<{ key: string }>`select idempotency_key as key from hogsend.events where name = 'ordered'`
  const inOrder = (all: ReadonlyArray<string>) => all.toSorted((one, two) => Number(one) - Number(two))
  expect(inOrder(events.map(({ key }) => key))).toEqual(inOrder(keys))
  const [whole] = yield* sql`
    select
      (select count(*)::int from hogsend.idempotency_keys where key ~ '^[0-9]+$') as claims,
      (select count(*)::int from hogsend.contacts) as contacts,
      (select count(*)::int from hogsend.identity_keys where kind = 'external') as users,
      (select count(*)::int from hogsend.identity_keys k left join hogsend.contacts c on c.id = k.contact_id
        where c.id is null) as nobodys,
      (select count(*)::int from hogsend.events e left join hogsend.identity_keys k on k.id = e.key_id
        where k.id is null) as lost`
  expect(whole).toEqual({ claims: keys.length, contacts: people, users: people, nobodys: 0, lost: 0 })
})

/** The key epoch, warnings, housekeeping and erasures go on by themselves. */
const expectBackgroundWork = Effect.gen(function* () {
  const { asServer, request } = yield* TestHogsend
  const sql = yield* PgClient.PgClient
  const untilSome = (statement: string) =>
    until(Effect.orDie(Effect.map(sql.unsafe(`select 1 where ${statement}`), ([row]) => row !== undefined)))

  yield* untilSome(`exists (
    select from pg_stat_activity where datname = current_database() and application_name = 'hogsend'
      and query ~ 'key_epoch' and query !~ 'api_keys' and query_start > clock_timestamp() - interval '1 second')`)

  // A warning of a kind of which there has been none.
  yield* again(asServer("POST", "/v1/events", { name: "seen", userId: "u_0", timestamp: "2001-01-01T00:00:00Z" }))
  yield* untilSome("exists (select from hogsend.warning_counts where code <> 'unknown_field')")

  yield* sql`
    insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id, created_at)
    values ('of this test', 'old', '', gen_random_uuid(), now() - interval '100 days')`
  yield* untilSome("not exists (select from hogsend.idempotency_keys where key = 'old')")

  const { body: minted } = yield* again(
    asServer("POST", "/v1/admin/api-keys", { name: "too weak to erase", scopes: ["ingest"] })
  )
  const asWeak = (method: string, path: string, body: unknown) => request(method, path, { key: minted.key, body })
  // It waits for its erasure, for no day at all.
  expect(yield* again(asWeak("DELETE", "/v1/contacts", { userId: "u_0" }))).toMatchObject({ status: 200 })
  yield* untilSome("exists (select from hogsend.erasures where status = 'done')")

  expect(yield* again(asServer("DELETE", `/v1/admin/api-keys/${minted.id}`))).toMatchObject({ status: 200 })
  yield* until(
    Effect.map(asWeak("POST", "/v1/events", { name: "seen", userId: "u_1" }), ({ status }) => status === 401)
  )
})

/** `trouble` begins, is seen and ends in the midst of requests. */
export const underLoad = (trouble: (load: Load) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const { request } = yield* TestHogsend
    const load = yield* makeLoad
    yield* load.next(202, 20)
    yield* trouble(load)
    yield* load.next(202, 20)
    const answers = yield* load.stop
    for (const { answer } of answers) {
      expect([answer.status, answer.body]).toEqual([expect.toBeOneOf([202, 503]), expect.anything()])
      if (answer.status !== 503) continue
      expect(answer.body).toEqual({
        _tag: expect.toBeOneOf(["DatabaseUnavailable", "Overloaded"]),
        error: expect.stringContaining("same request again"),
        retryAfter: 1
      })
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
    }
    for (const { answer, key } of answers) {
      if (answer.status === 503) expect(yield* again(load.send(key))).toMatchObject({ status: 202 })
    }
    yield* expectOnceAndWhole(answers.map(({ key }) => key))
    yield* expectBackgroundWork
    expect(yield* request("GET", "/v1/health/ready")).toMatchObject({ status: 200 })
  })
