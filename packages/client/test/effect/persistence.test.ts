import { describe, expect, it } from "@effect/vitest"
import { Overloaded, RateLimited, Unauthorized } from "@hogsend/core"
import { Clock, Duration, Effect, Fiber, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { defaultReconnect, defaultRetry, persistent } from "../../src/effect/persistence.ts"
import { ServerUnreachable } from "../../src/effect/wireFailures.ts"

const busy = new Overloaded({ error: "Not now." })
const limited = (retryAfter: number) => new RateLimited({ error: "Wait.", retryAfter, limit: 1, reset: 9 })

/** When the attempts of something are made that always fails, until it gives up. */
const attempts = Effect.fnUntraced(function* (
  failure: unknown,
  schedule: Schedule.Schedule<unknown, unknown>,
  longest: Duration.Input = "10 seconds"
) {
  const times: Array<number> = []
  const began = yield* Clock.currentTimeMillis
  const attempt = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    times.push(now - began)
    return Effect.fail(failure)
  })
  const fiber = yield* Effect.forkChild(
    Effect.exit(Effect.retry(attempt, persistent(schedule, Duration.fromInputUnsafe(longest))))
  )
  yield* TestClock.adjust("5 minutes")
  yield* Fiber.interrupt(fiber)
  return times
})

describe("Persistence", () => {
  it.effect("a server that says when to come back is not asked before", () =>
    Effect.gen(function* () {
      expect(yield* attempts(limited(7), Schedule.recurs(2))).toEqual([0, 7000, 14_000])
      expect(yield* attempts(ServerUnreachable.gateway(503, 3), Schedule.recurs(1))).toEqual([0, 3000])
      expect(yield* attempts(limited(1), Schedule.spaced("4 seconds").pipe(Schedule.upTo({ times: 1 })))).toEqual([
        0, 4000
      ])
    })
  )

  it.effect("who is told to wait for longer than the limit does not wait", () =>
    Effect.gen(function* () {
      expect(yield* attempts(limited(11), Schedule.recurs(2))).toEqual([0])
      expect(yield* attempts(limited(11), Schedule.recurs(1), Duration.infinity)).toEqual([0, 11_000])
    })
  )

  it.effect("a refusal is final", () =>
    Effect.gen(function* () {
      expect(yield* attempts(new Unauthorized({ error: "No." }), Schedule.recurs(2))).toEqual([0])
    })
  )

  it.effect("a call is made three times within two seconds", () =>
    Effect.gen(function* () {
      const times = yield* attempts(busy, defaultRetry)
      expect(times.length).toBe(3)
      expect(times[2]).toBeLessThanOrEqual(1500)
    })
  )

  it.effect("a stream connects again for ever, in the end within half a minute", () =>
    Effect.gen(function* () {
      const times = yield* attempts(busy, defaultReconnect)
      const pauses = times.slice(1).map((time, index) => time - times[index]!)
      expect(pauses.length).toBeGreaterThan(10)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000)
      expect(Math.max(...pauses.slice(0, 3))).toBeLessThanOrEqual(2000)
    })
  )
})
