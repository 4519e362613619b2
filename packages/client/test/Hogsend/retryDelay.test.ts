/** Whether a call is sent again, and when. */
import { describe, expect, it } from "@effect/vitest"
import { HogsendAPIError, HogsendConnectionError } from "@hogsend/client"
import { Effect, Schema } from "effect"
import { retryDelay } from "../../src/Hogsend/retryDelay.ts"

const rules = { retryDelay: 500, maxRetryDelay: 10_000 }
const lost = new HogsendConnectionError("lost")
const refused = (status: number, retryAfter?: number) =>
  new HogsendAPIError({ message: "", status, tag: "", retryAfter, body: {} })

const Random = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999 }))
const Attempt = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 }))

describe("A pause", () => {
  it("is at the most twice the one before, up to the longest", () => {
    const longest = [0, 1, 2, 3, 4, 5].map((attempt) =>
      retryDelay({ error: lost, attempt, repeatable: true }, rules, 1)
    )
    expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 10_000])
  })

  it.effect.prop("is anywhere between none and that", [Random, Attempt], ([random, attempt]) =>
    Effect.sync(() => {
      const delay = retryDelay({ error: lost, attempt, repeatable: true }, rules, random)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(random * Math.min(10_000, 500 * 2 ** attempt))
    })
  )

  it("is never shorter than the server says, and not made when it says more than the longest", () => {
    const failed = (retryAfter: number) => ({ error: refused(503, retryAfter), attempt: 0, repeatable: true })
    expect(retryDelay(failed(3), rules, 0)).toBe(3000)
    expect(retryDelay(failed(3), rules, 0.5)).toBe(3250)
    expect(retryDelay(failed(10), rules, 0)).toBe(10_000)
    expect(retryDelay(failed(11), rules, 0)).toBeUndefined()
  })

  it("is not made for what may have been carried out and would be so twice, nor for what will not help", () => {
    const decide = (error: unknown, repeatable: boolean) =>
      retryDelay({ error, attempt: 0, repeatable }, rules, 0) !== undefined
    expect([lost, refused(503), refused(429)].map((error) => decide(error, false))).toEqual([false, false, true])
    const others = [new Error("aborted"), "aborted", refused(400), refused(500), refused(501)]
    expect(others.map((error) => decide(error, true))).toEqual(others.map(() => false))
  })
})
