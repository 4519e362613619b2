/** Events under the same idempotency key at the same time: the first is stored, and its twins change nothing. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { clear, names, propertiesOf, storedEvents, violations } from "./engines.ts"
import { TwoEngines } from "./TwoEngines.ts"

const setup = Effect.gen(function* () {
  const engines = yield* TwoEngines
  yield* clear(engines.other)
  return engines
})

layer(TwoEngines.layer, { excludeTestServices: true, timeout: "30 seconds" })("Twins of an idempotency key", (it) => {
  it.effect("in one batch: the first is stored, another content is refused, the same is a duplicate", () =>
    Effect.gen(function* () {
      const { ours } = yield* setup
      const first = { name: "first", userId: "u", contactProperties: { n: 1 }, idempotencyKey: "k" }
      const results = yield* ours.sendAll([first, { ...first, contactProperties: { n: 2 } }, first])
      assert.deepStrictEqual(names(results), ["stored", "IdempotencyKeyReused", "duplicate"])
      assert.deepStrictEqual(yield* propertiesOf(ours, "u"), { n: 1 })
      assert.lengthOf(yield* storedEvents(ours), 1)
    })
  )

  it.effect("nobody gets the key of one before them that is stored alone, whomever they are about", () =>
    Effect.gen(function* () {
      const { ours } = yield* setup
      yield* ours.sendAll([
        { name: "u", userId: "u" },
        { name: "e", email: "e@x.co" },
        { name: "v", userId: "v" }
      ])
      const results = yield* ours.sendAll([
        { name: "merges", userId: "u", email: "e@x.co", idempotencyKey: "k" },
        { name: "another", userId: "v", idempotencyKey: "k" },
        { name: "follows", userId: "v", contactProperties: { follows: true } }
      ])
      assert.deepStrictEqual(names(results), ["stored", "IdempotencyKeyReused", "stored"])
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )

  it.effect("one that another process stores a moment before is answered with whom that made", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      const draft = { name: "twin", email: "e@x.co", idempotencyKey: "k" }
      const answer = yield* before("the claim of idempotency keys", other.send(draft), ours.send(draft))
      assert.isFalse(answer.stored)
      const [contact] = yield* ours.sql<{ id: string }>`select id from hogsend.contacts`
      assert.strictEqual(answer.contactKey, contact?.id)
      assert.lengthOf(yield* storedEvents(ours), 1)
    })
  )

  it.effect("sent by two processes at once, each is stored by one of them", () =>
    Effect.gen(function* () {
      const { other, ours } = yield* setup
      const drafts = Array.from({ length: 60 }, (_, n) => ({
        name: `n${n}`,
        userId: `u${n % 20}`,
        contactProperties: { [`n${n}`]: true },
        idempotencyKey: `k${n}`
      }))
      const [one, another] = yield* Effect.all([ours.sendAll(drafts), other.sendAll(drafts.toReversed())], {
        concurrency: "unbounded"
      })
      const both = another.toReversed()
      for (const [n, { status }] of one.entries()) {
        assert.sameMembers([status, both[n]?.status], ["stored", "duplicate"], `event ${n}`)
      }
      assert.lengthOf(yield* storedEvents(ours), drafts.length)
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )
})
