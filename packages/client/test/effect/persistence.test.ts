import { describe, expect, it } from "@effect/vitest"
import { DatabaseUnavailable, Overloaded, RateLimited, Unauthorized } from "@hogsend/core"
import { Clock, Duration, Effect, Fiber, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { defaultReconnect, defaultRetry, persistentCall, persistentStream } from "../../src/effect/persistence.ts"
import { ServerUnreachable } from "../../src/effect/wireFailures.ts"

const busy = new Overloaded({ error: "Not now." })
const limited = (retryAfter: number) => new RateLimited({ error: "Wait.", retryAfter, limit: 1, reset: 9 })

const call = (schedule: Schedule.Schedule<unknown, unknown>, repeatable = true) =>
  persistentCall(schedule, Duration.seconds(10), repeatable)

const stream = (schedule: Schedule.Schedule<unknown, unknown>) => persistentStream(schedule, Duration.seconds(60))

/** When the attempts of something are made that always fails, until it gives up. */
const attempts = Effect.fnUntraced(function* (failure: unknown, schedule: Schedule.Schedule<unknown, unknown>) {
  const times: Array<number> = []
  const began = yield* Clock.currentTimeMillis
  const attempt = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    times.push(now - began)
    return Effect.fail(failure)
  })
  const fiber = yield* Effect.forkChild(Effect.exit(Effect.retry(attempt, schedule)))
  yield* TestClock.adjust("5 minutes")
  yield* Fiber.interrupt(fiber)
  return times
})

describe("Persistence", () => {
  it.effect("a server that says when to come back is not asked before", () =>
    Effect.gen(function* () {
      expect(yield* attempts(limited(7), call(Schedule.recurs(2)))).toEqual([0, 7000, 14_000])
      for (const failure of [
        ServerUnreachable.gateway(503, 3),
        new Overloaded({ error: "Full.", retryAfter: 3 }),
        new DatabaseUnavailable({ error: "Not now.", retryAfter: 3 })
      ])
        expect(yield* attempts(failure, call(Schedule.recurs(1)))).toEqual([0, 3000])
    })
  )

  it.effect("what the server asks for comes on top of the pause", () =>
    Effect.gen(function* () {
      const spaced = Schedule.spaced("4 seconds").pipe(Schedule.upTo({ times: 1 }))
      expect(yield* attempts(limited(1), call(spaced))).toEqual([0, 5000])
      expect(yield* attempts(limited(1), stream(spaced))).toEqual([0, 5000])
    })
  )

  it.effect(
    "a call that is told to wait for longer than the limit does not wait, and a stream no longer than its own",
    () =>
      Effect.gen(function* () {
        expect(yield* attempts(limited(11), call(Schedule.recurs(2)))).toEqual([0])
        expect(yield* attempts(limited(11), stream(Schedule.recurs(1)))).toEqual([0, 11_000])
        expect(yield* attempts(ServerUnreachable.gateway(503, 86_400), stream(Schedule.recurs(1)))).toEqual([0, 60_000])
      })
  )

  it.effect("a refusal is final, and what might act twice is made again only where nothing was done", () =>
    Effect.gen(function* () {
      const unauthorized = new Unauthorized({ error: "No." })
      expect(yield* attempts(unauthorized, call(Schedule.recurs(2)))).toEqual([0])
      expect(yield* attempts(unauthorized, stream(Schedule.recurs(2)))).toEqual([0])
      expect(yield* attempts(busy, call(Schedule.recurs(2), false))).toEqual([0])
      expect(yield* attempts(limited(7), call(Schedule.recurs(1), false))).toEqual([0, 7000])
    })
  )

  it.effect("a call is made three times within two seconds", () =>
    Effect.gen(function* () {
      const times = yield* attempts(busy, call(defaultRetry))
      expect(times.length).toBe(3)
      expect(times[2]).toBeLessThanOrEqual(1500)
    })
  )

  it.effect("a stream connects again for ever, in the end within half a minute", () =>
    Effect.gen(function* () {
      const times = yield* attempts(busy, stream(defaultReconnect))
      const pauses = times.slice(1).map((time, index) => time - times[index]!)
      expect(pauses.length).toBeGreaterThan(10)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000)
      expect(Math.max(...pauses.slice(0, 3))).toBeLessThanOrEqual(2000)
    })
  )
})
