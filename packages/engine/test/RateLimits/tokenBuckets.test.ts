/** Token buckets against what they mean: no stretch of time holds more than is full at its beginning and refilled in it. */
import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { makeTokenBuckets, type RateLimit } from "../../src/RateLimits/tokenBuckets.ts"

const Rate = Schema.Struct({
  limit: Schema.Literals([1, 2, 3, 7, 20]),
  per: Schema.Literals([1, 10, 333, 1000])
})
/** Who asks, and how long after the one before: often at once, sometimes after a while. */
const Asking = Schema.Array(
  Schema.Tuple([Schema.Literals(["a", "b", "c"]), Schema.Literals([0, 0, 0, 1, 9, 50, 400, 5000])])
).check(Schema.isMaxLength(120))

/** Whether one more at `now` is within the limit, by the times of those that were admitted. */
const fits = ({ limit, per }: RateLimit, admitted: ReadonlyArray<number>, now: number): boolean =>
  admitted.every((since, index) => (admitted.length - index + 1) * per <= limit * per + (now - since) * limit)

describe("A token bucket", () => {
  it.prop("admits whatever fits, each name for itself, and says how long to wait", [Rate, Asking], ([rate, asking]) => {
    const buckets = makeTokenBuckets(rate, 1000)
    const admitted: Record<string, Array<number>> = { a: [], b: [], c: [] }
    let now = 1_000_000
    for (const [name, pause] of asking) {
      now += pause
      const times = admitted[name] ?? []
      const wait = buckets.wait(name, now)
      expect([fits(rate, times, now + wait), wait > 0 && fits(rate, times, now + wait - 1)]).toEqual([true, false])
      expect(buckets.wait(name, now + wait)).toBe(0)
      if (wait > 0) continue
      buckets.take(name, now)
      times.push(now)
    }
  })

  it.prop("is full when `reset` has passed, and not before", [Rate, Asking], ([rate, asking]) => {
    const buckets = makeTokenBuckets(rate, 1000)
    let now = 1_000_000
    for (const [name, pause] of asking) {
      now += pause
      if (buckets.wait(name, now) === 0) buckets.take(name, now)
    }
    const burst = (at: number) => {
      let taken = 0
      for (; taken <= rate.limit && buckets.wait("a", at) === 0; taken += 1) buckets.take("a", at)
      return taken
    }
    const reset = buckets.reset("a", now)
    expect(reset).toBeLessThanOrEqual(rate.per)
    expect(burst(now + reset)).toBe(rate.limit)
    expect(buckets.reset("a", now + reset)).toBe(rate.per)
  })
})

describe("The memory of token buckets", () => {
  const rate = { limit: 20, per: 1000 }

  it("forgets full ones: what came in two periods is all that is kept", () => {
    const buckets = makeTokenBuckets(rate, 50_000)
    let largest = 0
    for (let now = 0; now < 100_000; now += 1) {
      buckets.take(`name ${now}`, now)
      largest = Math.max(largest, buckets.size())
    }
    expect(largest).toBe(2 * rate.per)
    buckets.take("after a pause", 200_000)
    buckets.take("after another", 300_000)
    expect(buckets.size()).toBe(2)
  })

  it("keeps what is not full, whoever else comes", () => {
    const buckets = makeTokenBuckets(rate, 50_000)
    for (let taken = 0; taken < rate.limit; taken += 1) buckets.take("empty", 500)
    for (let now = 501; now < 1500; now += 1) {
      buckets.take(`name ${now}`, now)
      expect(buckets.reset("empty", now)).toBe(1500 - now)
    }
  })

  it("does not grow over twice its capacity, whoever comes with however many names at once", () => {
    const buckets = makeTokenBuckets(rate, 1000)
    let [largest, longest] = [0, 0]
    for (let name = 0; name < 1_000_000; name += 1) {
      longest = Math.max(longest, buckets.wait(String(name), 0))
      buckets.take(String(name), 0)
      largest = Math.max(largest, buckets.size())
    }
    // And nobody waits for what others did.
    expect([largest, longest]).toEqual([2000, 0])
  })

  it("keeps an empty bucket while as many others come as it has room for", () => {
    const buckets = makeTokenBuckets(rate, 1000)
    for (let taken = 0; taken < rate.limit; taken += 1) buckets.take("empty", 0)
    for (let name = 0; name < 1000; name += 1) {
      buckets.take(String(name), 0)
      expect(buckets.wait("empty", 0)).toBe(50)
    }
  })
})
