/** When a worker looks: at a signal of any process, when something is due, and in any case now and then. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { layer } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { DeliverySignal } from "../../src/DeliverySignal.ts"
import { openTransaction } from "../openTransaction.ts"
import {
  addEndpoint,
  answer,
  fails,
  isDone,
  Receiver,
  rowsOf,
  services,
  tellSilently,
  until,
  untilAll,
  worker
} from "./queue.ts"

const never = 3_600_000

/** The signal of another process. */
const anotherSignal = Effect.map(Layer.build(Layer.fresh(DeliverySignal.layer({ retryAfter: 10 }))), (context) =>
  Context.get(context, DeliverySignal)
)

/** The sessions that listen. */
const listening = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql<{ pid: number }>`
    select pid from pg_stat_activity where datname = current_database() and query ilike 'listen%'`
)

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A worker that would sleep for an hour", (it) => {
  it.effect("is woken by its own process", () =>
    Effect.gen(function* () {
      const endpoint = yield* addEndpoint()
      yield* worker({ interval: never })
      // Again and again: the look after an end may find the first ones.
      for (let n = 0; n < 5; n++) {
        yield* tellSilently(endpoint.id, [{}])
        yield* Effect.flatMap(DeliverySignal, ({ send }) => send)
        yield* untilAll(endpoint.id, isDone)
      }
    })
  )

  it.effect("is woken by another process, also when connections were lost in between", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { send } = yield* anotherSignal
      const endpoint = yield* addEndpoint()
      yield* worker({ interval: never })
      yield* until(listening, (sessions) => sessions.length >= 2)
      const rounds = Effect.gen(function* () {
        for (let n = 0; n < 5; n++) {
          yield* tellSilently(endpoint.id, [{}])
          yield* send
          yield* untilAll(endpoint.id, isDone)
        }
      })
      yield* rounds

      const before = (yield* listening).map(({ pid }) => pid)
      yield* sql`select pg_terminate_backend(pid) from unnest(${before}::int[]) pid`
      // Who listens anew looks at once, so nothing that was signalled meanwhile is lost.
      yield* tellSilently(endpoint.id, [{}])
      yield* untilAll(endpoint.id, isDone)
      yield* until(listening, (sessions) => sessions.filter(({ pid }) => !before.includes(pid)).length >= 2)
      yield* rounds
    })
  )

  it.effect("looks when the next one is due", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoint = yield* addEndpoint()
      receiver.answers(fails)
      yield* tellSilently(endpoint.id, [{}])
      yield* worker({ interval: never, schedule: [300] })
      yield* until(rowsOf(endpoint.id), ([row]) => row?.attempts === 1 && !row.leased)
      receiver.answers(answer(200))
      yield* untilAll(endpoint.id, isDone)
    })
  )

  it.effect("looks again when what is due soon was written down after its last look", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const sql = yield* PgClient.PgClient
      const [endpoint, other] = [yield* addEndpoint(), yield* addEndpoint({ url: "https://other.example/" })]
      const held = yield* Deferred.make<void>()
      receiver.answers((request) =>
        request.url === other.url ? answer(200)(request) : Effect.andThen(Deferred.await(held), fails(request))
      )
      yield* tellSilently(endpoint.id, [{}])
      yield* worker({ interval: never, schedule: [10] })
      yield* untilAll(endpoint.id, ({ leased }) => leased)
      const lock = yield* openTransaction(sql`lock table hogsend.delivery_attempts in exclusive mode`)
      yield* tellSilently(other.id, [{}])
      yield* Deferred.succeed(held, undefined)
      // It has looked, since it has found the other one, and it sleeps when it has looked after that.
      yield* untilAll(other.id, ({ attempts }) => attempts === 1)
      for (let n = 0; n < 50; n++) yield* rowsOf(other.id)
      receiver.answers(answer(200))
      yield* lock.commit
      yield* untilAll(endpoint.id, isDone)
    })
  )
})

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A worker that nobody signals", (it) => {
  it.effect("looks at its interval", () =>
    Effect.gen(function* () {
      const endpoint = yield* addEndpoint()
      yield* worker({ interval: 20 })
      for (let n = 0; n < 3; n++) {
        yield* tellSilently(endpoint.id, [{}])
        yield* untilAll(endpoint.id, isDone)
      }
    })
  )
})
