/** What only the database refuses, and what breaks: it fails alone, and everybody who came with it is stored. */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Logger } from "effect"
import { clear, names, propertiesOf, storedEvents, violations } from "./engines.ts"
import { refusing } from "./refusing.ts"
import { TwoEngines } from "./TwoEngines.ts"

const fault = "InternalFault"

const setup = Effect.gen(function* () {
  const { other, ours } = yield* TwoEngines
  yield* clear(other)
  /** Without the log of what fails as it is meant to. */
  const sendAll: typeof ours.sendAll = (drafts) => Effect.provide(ours.sendAll(drafts), Logger.layer([]))
  return { ours: { ...ours, sendAll }, poisoned: refusing(other) }
})

const batchOf = (size: number, poison: ReadonlyArray<number>) =>
  Array.from({ length: size }, (_, n) => ({
    name: poison.includes(n) ? "poison" : `n${n}`,
    userId: `u${n % 100}`,
    contactProperties: { [`n${n}`]: true }
  }))

layer(TwoEngines.layer, { excludeTestServices: true, timeout: "30 seconds" })("A poisoned event", (it) => {
  it.effect.each([
    ["one", [250]],
    ["the first and the last", [0, 499]],
    ["neighbours", [7, 8, 9]]
  ] as const)("of a batch of 500: %s fail, and all the others are stored", ([, poison]) =>
    Effect.gen(function* () {
      const { ours, poisoned } = yield* setup
      yield* poisoned("poison", "22000")
      const results = yield* ours.sendAll(batchOf(500, poison))
      assert.deepStrictEqual(
        names(results),
        results.map((_, n) => ((poison as ReadonlyArray<number>).includes(n) ? fault : "stored"))
      )
      assert.lengthOf(yield* storedEvents(ours), 500 - poison.length)
      for (const n of poison) {
        assert.notProperty((yield* propertiesOf(ours, `u${n % 100}`)) ?? {}, `n${n}`, "it changed nothing")
      }
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )

  it.effect("of many callers: only its own caller hears of it", () =>
    Effect.gen(function* () {
      const { ours, poisoned } = yield* setup
      yield* poisoned("poison", "23514")
      const sent = batchOf(100, [50])
      const exits = yield* Effect.forEach(sent, (draft) => Effect.exit(ours.send(draft)), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        exits.flatMap((exit, n) => (Exit.isSuccess(exit) && exit.value.stored ? [] : [n])),
        [50]
      )
      assert.lengthOf(yield* storedEvents(ours), 99)
    })
  )

  it.effect("its idempotency key is free again, and its new person nobody", () =>
    Effect.gen(function* () {
      const { ours, poisoned } = yield* setup
      const draft = { name: "poison", userId: "u", idempotencyKey: "k" }
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* poisoned("poison", "22000")
          const results = yield* ours.sendAll([{ name: "before", userId: "v" }, draft])
          assert.deepStrictEqual(names(results), ["stored", fault])
        })
      )
      assert.deepStrictEqual(yield* violations(ours), [])
      assert.lengthOf(yield* ours.sql`select from hogsend.contacts`, 1)
      assert.isTrue((yield* ours.send(draft)).stored)
    })
  )

  it.effect("who struggles with others keeps their order, and all are stored", () =>
    Effect.gen(function* () {
      const { ours, poisoned } = yield* setup
      yield* poisoned("struggle", "40P01", 7)
      const drafts = Array.from({ length: 10 }, (_, n) => ({
        name: n % 3 === 0 ? "struggle" : "easy",
        userId: "u",
        contactProperties: { n }
      }))
      const results = yield* ours.sendAll(drafts)
      assert.deepStrictEqual(
        names(results),
        drafts.map(() => "stored")
      )
      assert.deepStrictEqual(yield* propertiesOf(ours, "u"), { n: 9 })
    })
  )
})
