/** A process that ends in the middle of many writes: what was answered arrives, now or after the next start. */
import { expect, layer } from "@effect/vitest"
import { TestDatabase, TestHogsend } from "@hogsend/testing"
import { Effect, Exit, Layer, Scope } from "effect"
import { PersonWrites } from "../../src/PersonWrites.ts"
import { times, until } from "../DestinationQueue/queue.ts"
import { scriptedSource } from "../ScriptedProvider.ts"

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "120 seconds" })("5,000 writes", (it) => {
  it.effect(
    "at a slow provider all arrive though the process ends meanwhile, twice only under the same id",
    () =>
      Effect.gen(function* () {
        const { scripted, source } = scriptedSource()
        // What a call took before its process ended, too: nobody was told.
        const arrived = new Map<string, Set<string>>()
        const order = new Map<string, Array<number>>()
        scripted.does((messages) =>
          Effect.gen(function* () {
            for (const { data, id } of messages) {
              if (!("set" in data)) continue
              const n = Number(data.set?.n)
              const ids = arrived.get(`${n}`) ?? new Set()
              if (!ids.has(id)) order.set(data.distinctId, [...(order.get(data.distinctId) ?? []), n])
              arrived.set(`${n}`, ids.add(id))
            }
            yield* Effect.sleep("5 millis")
          })
        )
        const start = Effect.gen(function* () {
          const scope = yield* Scope.make()
          yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
          const server = TestHogsend.serverLayer({
            analytics: { provider: source },
            destinationQueue: { slots: 512, shutdownGrace: 1, schedule: times(20, () => 50) }
          })
          const context = yield* Scope.provide(Layer.build(Layer.fresh(server)), scope)
          const { set } = yield* Effect.provideContext(PersonWrites, context)
          return { set, stop: Scope.close(scope, Exit.void) }
        })
        const first = yield* start
        yield* Effect.forEach(
          times(5000, (n) => n),
          (n) => first.set({ distinctId: `person_${n % 500}`, set: { n } }),
          { concurrency: "unbounded", discard: true }
        )
        yield* until(
          Effect.sync(() => arrived.size),
          (count) => count > 500
        )
        yield* first.stop
        expect(arrived.size).toBeLessThan(5000)
        yield* start
        yield* until(
          Effect.sync(() => arrived.size),
          (count) => count === 5000
        )
        for (const [n, ids] of arrived) expect(ids.size, n).toBe(1)
        for (const [person, numbers] of order) expect(numbers, person).toEqual(numbers.toSorted((a, b) => a - b))
      }).pipe(Effect.scoped, Effect.timeout("100 seconds")),
    110_000
  )
})
