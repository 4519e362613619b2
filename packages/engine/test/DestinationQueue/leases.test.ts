/** Who has a delivery, and what becomes of it when they are lost: nobody else has it meanwhile, and somebody has it after. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Database } from "../../src/Database.ts"
import { openTransaction } from "../openTransaction.ts"
import {
  addEndpoint,
  answer,
  isDone,
  messageOf,
  moveClock,
  Receiver,
  rowsOf,
  services,
  stoppable,
  tell,
  times,
  until,
  untilAll,
  worker
} from "./queue.ts"

/** Whoever sends waits until `answers` is completed, as a worker does that hangs or was killed. */
const hold = Effect.gen(function* () {
  const receiver = yield* Receiver
  const held = yield* Deferred.make<void>()
  receiver.answers((request) => Effect.andThen(Deferred.await(held), answer(200)(request)))
  return Deferred.succeed(held, undefined)
})

const arrivals = (message: string | undefined) =>
  Effect.map(Receiver, ({ got }) => got.filter((request) => messageOf(request) === message).length)

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A lease", (it) => {
  it.effect("keeps a delivery from every other worker while it lasts", () =>
    Effect.gen(function* () {
      const letGo = yield* hold
      const endpoint = yield* addEndpoint()
      for (let n = 0; n < 3; n++) yield* worker()
      const messages = yield* tell(
        endpoint.id,
        times(5, () => ({}))
      )
      yield* untilAll(endpoint.id, ({ leased }) => leased)
      // Others look all the time, and a new one at once.
      yield* worker()
      yield* moveClock("55 seconds")
      const other = yield* addEndpoint()
      yield* tell(other.id, [{}])
      yield* untilAll(other.id, ({ leased }) => leased)
      yield* letGo
      const rows = yield* untilAll(endpoint.id, isDone)
      expect(rows.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1])
      for (const message of messages) expect(yield* arrivals(message)).toBe(1)
      yield* moveClock("")
    })
  )

  it.effect("that ended gives the delivery to another worker, and the one that had it writes nothing any more", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const receiver = yield* Receiver
      const letGo = yield* hold
      const endpoint = yield* addEndpoint()
      yield* worker()
      const [message] = yield* tell(endpoint.id, [{}])
      yield* untilAll(endpoint.id, ({ leased }) => leased)
      yield* until(arrivals(message), (count) => count === 1)
      yield* worker()
      receiver.answers(answer(500))
      yield* moveClock("61 seconds")
      const [after] = yield* untilAll(endpoint.id, ({ attempts, leased }) => attempts === 2 && !leased)
      expect(after).toMatchObject({ status: "pending", lastStatus: 500 })
      yield* letGo
      // Once more has come back when this one has: outcomes are written in their order.
      const other = yield* addEndpoint()
      receiver.answers(answer(200))
      yield* tell(other.id, [{}])
      yield* untilAll(other.id, isDone)
      expect(yield* rowsOf(endpoint.id)).toEqual([
        expect.objectContaining({ status: "pending", attempts: 2, lastStatus: 500 })
      ])
      const attempts = yield* sql`
        select number, status from hogsend.delivery_attempts where delivery_id = ${after?.id ?? null} order by number`
      expect(attempts).toEqual([{ number: 2, status: 500 }])
      yield* moveClock("")
    })
  )

  it.effect("is taken of what nobody else is at, without waiting for the rest", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const receiver = yield* Receiver
      receiver.answers(answer(200))
      const endpoint = yield* addEndpoint()
      const [held] = yield* tell(
        endpoint.id,
        times(4, () => ({}))
      )
      const other = yield* openTransaction(
        sql`select from hogsend.deliveries where endpoint_id = ${endpoint.id} and message_id = ${held ?? ""} for update`
      )
      yield* worker()
      const rows = yield* until(rowsOf(endpoint.id), (all) => all.filter(isDone).length === 3)
      expect(rows.find((row) => !isDone(row))?.messageId).toBe(held)
      yield* other.commit
      yield* untilAll(endpoint.id, isDone)
    })
  )

  it.effect("outlives a database that takes no outcomes: they are written when it does", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const receiver = yield* Receiver
      const letGo = yield* hold
      const endpoint = yield* addEndpoint()
      yield* Effect.provide(worker(), Database.timeouts({ timeout: 50 }))
      const before = receiver.got.length
      yield* tell(
        endpoint.id,
        times(5, () => ({}))
      )
      yield* until(
        Effect.sync(() => receiver.got.length),
        (count) => count === before + 5
      )
      const other = yield* openTransaction(sql`lock table hogsend.delivery_attempts in exclusive mode`)
      yield* letGo
      // Somebody waits for the lock, and stops waiting, several times.
      const waiting = sql<{ pid: number }>`
        select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      for (let n = 0; n < 3; n++) {
        yield* until(waiting, (rows) => rows.length > 0)
        yield* until(waiting, (rows) => rows.length === 0)
      }
      yield* other.commit
      const rows = yield* untilAll(endpoint.id, isDone)
      expect(rows.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1])
      expect(receiver.got.length).toBe(before + 5)
    })
  )

  it.effect("is counted at the claim: what kills its workers is dead at last", () =>
    Effect.gen(function* () {
      yield* hold
      const endpoint = yield* addEndpoint()
      const [message] = yield* tell(endpoint.id, [{}])
      for (let n = 1; n <= 3; n++) {
        // They never hear an answer, and are gone without a word.
        yield* worker({ schedule: [0, 0] })
        yield* untilAll(endpoint.id, ({ attempts, leased }) => attempts === n && leased)
        yield* moveClock(`${n * 61} seconds`)
      }
      const [row] = yield* untilAll(endpoint.id, ({ status }) => status === "dead")
      expect(row).toMatchObject({ attempts: 3, leased: false, lastError: expect.stringMatching(/worker was lost/) })
      expect(yield* arrivals(message)).toBe(3)
      yield* moveClock("")
    })
  )
})

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A worker whose process ends", (it) => {
  it.effect("lets what is in flight finish, and claims nothing more", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const letGo = yield* hold
      const endpoint = yield* addEndpoint()
      const { stop } = yield* stoppable({ slots: 8, shutdownGrace: 10_000 })
      yield* tell(
        endpoint.id,
        times(3, () => ({}))
      )
      const before = receiver.got.length + 1
      yield* until(
        Effect.sync(() => receiver.got.length),
        (count) => count === before
      )
      const stopping = yield* Effect.forkChild(stop)
      const leases = Effect.map(rowsOf(endpoint.id), (rows) => rows.filter(({ leased }) => leased).length)
      // Nobody gives it back meanwhile.
      for (let n = 0; n < 50; n++) expect(yield* leases).toBe(1)
      yield* letGo
      yield* Fiber.join(stopping)
      expect(receiver.got.length).toBe(before)
      const rows = yield* rowsOf(endpoint.id)
      expect(rows.map(({ attempts, leased, status }) => [status, attempts, leased]).toSorted()).toEqual([
        ["delivered", 1, false],
        ["pending", 0, false],
        ["pending", 0, false]
      ])
    })
  )

  it.effect("gives back what takes longer, for anybody to have at once, and counts no attempt", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      yield* hold
      const endpoint = yield* addEndpoint()
      const { stop } = yield* stoppable({ shutdownGrace: 20 })
      yield* tell(
        endpoint.id,
        times(5, () => ({}))
      )
      yield* untilAll(endpoint.id, ({ leased }) => leased)
      yield* stop
      const rows = yield* rowsOf(endpoint.id)
      expect(rows.map(({ attempts, leased, status }) => [status, attempts, leased])).toEqual(
        times(5, () => ["pending", 0, false])
      )
      receiver.answers(answer(200))
      yield* worker()
      yield* untilAll(endpoint.id, isDone)
    })
  )
})
