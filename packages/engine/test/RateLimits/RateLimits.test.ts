/** One take from several buckets, under a clock that the test moves. */
import { expect, it } from "@effect/vitest"
import type { RateLimited } from "@hogsend/core"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type Charge, RateLimits, type RateLimitsOptions } from "../../src/RateLimits.ts"

const limited = (options: RateLimitsOptions) => Effect.provide(RateLimits.layer(options))
const small: RateLimitsOptions = {
  publishable: { key: { limit: 5, per: 60_000 }, visitor: { limit: 3, per: 60_000 } },
  keyless: { limit: 2, per: 10_000 }
}

const Name = Schema.UndefinedOr(Schema.Literals(["1", "2"]))
const Charges = Schema.Array(Schema.Struct({ key: Name, address: Name, recipient: Name })).check(Schema.isMaxLength(60))

const takes = (charge: Charge) =>
  Effect.flatMap(RateLimits, ({ take }) =>
    Effect.match(take(charge), { onFailure: () => false, onSuccess: () => true })
  )

it.effect.prop("A charge takes from all of its buckets or from none", [Charges], ([charges]) =>
  Effect.gen(function* () {
    // No time passes, so a bucket is a number that goes down.
    const left = new Map<string, number>()
    for (const charge of charges) {
      const names = Object.entries(charge).filter(([, name]) => name !== undefined)
      const wanted = names.map(([kind, name]) => ({ id: `${kind} ${name}`, full: kind === "key" ? 5 : 3 }))
      const admitted = wanted.every(({ full, id }) => (left.get(id) ?? full) > 0)
      expect(yield* takes(charge)).toBe(admitted)
      if (admitted) for (const { full, id } of wanted) left.set(id, (left.get(id) ?? full) - 1)
    }
  }).pipe(limited(small))
)

it.effect("Retry-After is true, to the second, and of the bucket that keeps waiting for longest", () =>
  Effect.gen(function* () {
    const { take } = yield* RateLimits
    const refusal = Effect.flip(take({ key: "k", address: "a", failure: "a" }))
    yield* take({ key: "k", address: "a", failure: "a" })
    yield* take({ key: "k", address: "a", failure: "a" })
    // Of failures there is one more in 5 s, of the address one more in 20.
    expect(yield* refusal).toMatchObject({ _tag: "RateLimited", retryAfter: 5, limit: 2, reset: 10 })
    yield* take({ key: "k", address: "a" })
    expect(yield* refusal).toMatchObject({ retryAfter: 20, limit: 3, reset: 60 })
    yield* TestClock.adjust(5_500)
    expect(yield* refusal).toMatchObject({ retryAfter: 15, limit: 3, reset: 55 })
    yield* TestClock.adjust(14_499)
    yield* refusal
    yield* TestClock.adjust(1)
    yield* take({ key: "k", address: "a", failure: "a" })
    // Of the key there is one more in 12 s.
    yield* take({ key: "k" })
    yield* take({ key: "k" })
    expect(yield* Effect.flip(take({ key: "k" }))).toMatchObject({ retryAfter: 4, limit: 5 })
    expect(yield* refusal).toMatchObject({ retryAfter: 20, limit: 3 })
  }).pipe(limited(small))
)

it.effect("What comes at the rate is never refused, and a burst is as large as the limit", () =>
  Effect.gen(function* () {
    const { take } = yield* RateLimits
    for (let n = 0; n < 20; n += 1) yield* take({ address: "a" })
    yield* Effect.flip(take({ address: "a" }))
    for (let n = 0; n < 1000; n += 1) {
      yield* TestClock.adjust(50)
      yield* take({ address: "a" })
      yield* Effect.flip(take({ address: "a" }))
    }
    for (let n = 0; n < 100; n += 1) yield* take({ key: "k" })
    expect(yield* Effect.flip(take({ key: "k" }))).toMatchObject({ limit: 100, retryAfter: 1, reset: 1 })
  }).pipe(limited({}))
)

it.effect("Switched off, nothing is refused", () =>
  Effect.gen(function* () {
    const { take } = yield* RateLimits
    const all = { key: "k", address: "a", recipient: "r", failure: "a", keyless: "a" }
    for (let n = 0; n < 1000; n += 1) yield* take(all)
  }).pipe(limited({ publishable: "off", keyless: "off" }))
)

it.effect("No refusal has the word that browsers take for a token to be renewed", () =>
  Effect.gen(function* () {
    const { take } = yield* RateLimits
    for (const kind of ["key", "address", "recipient", "failure", "keyless"]) {
      const empty: RateLimited = yield* Effect.flip(Effect.forever(take({ [kind]: "somebody_1" })))
      expect(empty.error).toMatch(/^No more than \d /)
      expect(empty.error).not.toContain("userToken")
      // It may be an address, or a person.
      expect(empty.error).not.toContain("somebody_1")
    }
  }).pipe(limited(small))
)
