/** When a delivery that failed is tried again. */
import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { defaultSchedule, parseRetryAfter, retryDelay } from "../../src/DestinationQueue/retryDelay.ts"

const hour = 3_600_000
const day = 24 * hour
const Random = Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 0.999_999 }))
const Attempt = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: defaultSchedule.length }))
const Wish = Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 * day })))

describe("The delay of a retry", () => {
  it("comes to ten attempts in 75 hours", () => {
    expect(defaultSchedule.map((ms) => ms / 1000)).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400])
    expect(Math.floor(defaultSchedule.reduce((sum, ms) => sum + ms, 0) / hour)).toBe(75)
  })

  it.prop("is the schedule's step, a fifth more or less", [Attempt, Random], ([attempt, random]) => {
    const step = defaultSchedule[attempt - 1] ?? 0
    const delay = retryDelay({ attempt, random, retryAfter: null, schedule: defaultSchedule }) ?? -1
    expect(delay).toBeGreaterThanOrEqual(Math.floor(step * 0.8))
    expect(delay).toBeLessThanOrEqual(Math.ceil(step * 1.2))
  })

  it.prop(
    "is what the receiver asks for, between that and a day",
    [Attempt, Random, Wish],
    ([attempt, random, wish]) => {
      const alone = retryDelay({ attempt, random, retryAfter: null, schedule: defaultSchedule }) ?? -1
      const delay = retryDelay({ attempt, random, retryAfter: wish, schedule: defaultSchedule })
      expect(delay).toBe(Math.max(alone, Math.min(wish ?? 0, day)))
    }
  )

  it.prop("differs with chance", [Attempt], ([attempt]) => {
    const of = (random: number) => retryDelay({ attempt, random, retryAfter: null, schedule: defaultSchedule })
    expect(of(0)).toBeLessThan(of(0.99) ?? 0)
  })

  it("is none after the last step", () => {
    expect(retryDelay({ attempt: 10, random: 0, retryAfter: null, schedule: defaultSchedule })).toBeNull()
    expect(retryDelay({ attempt: 1, random: 0, retryAfter: 5, schedule: [] })).toBeNull()
  })
})

describe("A Retry-After", () => {
  const now = Date.parse("1994-11-06T08:49:00Z")

  it.each([
    ["120", 120_000],
    [" 0 ", 0],
    ["99999999999999999999999", day],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
    ["Sun Nov  6 08:49:37 1994", 37_000],
    ["Sun, 06 Nov 1994 08:48:00 GMT", 0],
    ["Thu, 01 Dec 1994 08:49:00 GMT", 25 * day],
    ["", null],
    ["soon", null],
    ["-5", null],
    ["1.5", null],
    ["1994-11-06T08:49:37Z", null],
    ["Sun, 99 Nov 1994 08:49:37 GMT", null],
    [undefined, null]
  ])("of %j is %j milliseconds", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected)
  })
})
