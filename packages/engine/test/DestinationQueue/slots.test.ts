/** Fairness: nobody has more than their share of a worker, and nobody waits behind a hundred thousand of somebody else. */
import { DeliveryId } from "@hogsend/core"
import { expect, layer } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import {
  actor,
  addEndpoint,
  answer,
  isDone,
  moveClock,
  Receiver,
  rowsOf,
  services,
  tell,
  times,
  until,
  untilAll,
  worker
} from "./queue.ts"

const leasedTo = (endpointId: string) =>
  Effect.map(rowsOf(endpointId), (rows) => rows.filter(({ leased }) => leased).length)

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("Slots", (it) => {
  it.effect("that are taken are no alarm: what a receiver hangs on is on its way and not due", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const held = yield* Deferred.make<void>()
      receiver.answers((request) => Effect.andThen(Deferred.await(held), answer(200)(request)))
      const queue = yield* worker({ slots: 8 })
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}, {}])
      yield* until(leasedTo(endpoint.id), (count) => count === 1)
      yield* moveClock("30 seconds")
      // The second one waits for a slot.
      expect((yield* queue.health).oldestDueSeconds).toBeGreaterThan(29)
      const [, waiting] = (yield* rowsOf(endpoint.id)).toSorted((a, b) => Number(b.leased) - Number(a.leased))
      yield* queue.discard(DeliveryId.make(waiting?.id ?? ""), actor)
      expect(yield* queue.health).toMatchObject({ pending: 1, oldestDueSeconds: 0 })
      yield* moveClock("")
      yield* Deferred.succeed(held, undefined)
      yield* untilAll(endpoint.id, ({ status }) => status !== "pending")
    })
  )

  it.effect("of one endpoint are an eighth, and others are served while it hangs", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const held = yield* Deferred.make<void>()
      const hangs = yield* addEndpoint({ url: "https://receiver.example/hangs" })
      const works = yield* addEndpoint()
      receiver.answers((request) =>
        Effect.andThen(request.url === hangs.url ? Deferred.await(held) : Effect.void, answer(200)(request))
      )
      yield* tell(
        hangs.id,
        times(50, () => ({}))
      )
      yield* worker({ slots: 24 })
      yield* until(leasedTo(hangs.id), (count) => count === 3)
      yield* tell(
        works.id,
        times(30, () => ({}))
      )
      yield* untilAll(works.id, isDone)
      expect(yield* leasedTo(hangs.id)).toBe(3)
      yield* Deferred.succeed(held, undefined)
      yield* untilAll(hangs.id, isDone)
    })
  )

  it.effect("are one for each endpoint at the least, and never more in all than there are", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const state = { now: 0, most: 0 }
      receiver.answers((request) =>
        Effect.suspend(() => {
          state.most = Math.max(state.most, ++state.now)
          return Effect.yieldNow
        }).pipe(Effect.andThen(answer(200)(request)), Effect.ensuring(Effect.sync(() => state.now--)))
      )
      const endpoints = []
      for (let n = 0; n < 6; n++) endpoints.push(yield* addEndpoint())
      for (const { id } of endpoints)
        yield* tell(
          id,
          times(10, () => ({}))
        )
      yield* worker({ slots: 4 })
      for (const { id } of endpoints) yield* untilAll(id, isDone)
      expect(state.most).toBeLessThanOrEqual(4)
    })
  )

  it.effect("go to those that have the fewest: an older backlog does not keep a newer delivery waiting", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const old = []
      for (let n = 0; n < 9; n++) old.push(yield* addEndpoint({ url: `https://old.example/${n}` }))
      for (const { id } of old)
        yield* tell(
          id,
          times(40, () => ({}))
        )
      const young = yield* addEndpoint({ url: "https://young.example/" })
      yield* tell(young.id, [{}])
      const before = receiver.got.length
      receiver.answers((request) => Effect.andThen(Effect.yieldNow, answer(200)(request)))
      yield* worker({ slots: 16 })
      yield* untilAll(young.id, isDone)
      const place = receiver.got.slice(before).findIndex(({ url }) => url === young.url)
      expect(place).toBeLessThan(60)
      for (const { id } of old) yield* untilAll(id, isDone)
    })
  )
})
