import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { bestOf, measure, type Measurement, medianOf, percentile } from "../src/measure.ts"

it("a percentile is a value that was measured: the smallest that the share of them does not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => at + 1)
  expect([0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 95, 99, 100])
  expect(percentile([7], 0.5)).toBe(7)
  expect(percentile([], 0.5)).toBe(0)
})

it("one disturbed round moves neither the median nor the best", () => {
  const round = (p50: number): Measurement => ({ calls: 10, p50, p95: 0, p99: 0, perSecond: 0 })
  const rounds = [round(110), round(9000), round(100)]
  expect(medianOf(rounds)).toMatchObject({ calls: 30, p50: 110 })
  expect(bestOf(rounds)).toMatchObject({ calls: 30, p50: 100 })
})

it.live("as many calls as workers are under way, and every one of them is counted", () =>
  Effect.gen(function* () {
    let [underWay, most, made] = [0, 0, 0]
    const call = Effect.gen(function* () {
      underWay += 1
      most = Math.max(most, underWay)
      yield* Effect.sleep("5 millis")
      underWay -= 1
    })
    const next = () => {
      made += 1
      return call
    }
    const measured = yield* measure({ workers: 4, forMillis: 60_000, maxCalls: 22, next })
    expect({ most, made, calls: measured.calls }).toEqual({ most: 4, made: 22, calls: 22 })
    // A timer may be a millisecond early.
    expect(measured.p50).toBeGreaterThan(3_900)
    expect(measured.p50).toBeLessThanOrEqual(measured.p99)
  })
)

it.live("what making a call costs is not its latency, and the time ends the loop", () =>
  Effect.gen(function* () {
    const next = () => {
      const until = performance.now() + 5
      while (performance.now() < until);
      return Effect.void
    }
    const measured = yield* measure({ workers: 1, forMillis: 50, maxCalls: 1_000, next })
    expect(measured.p50).toBeLessThan(5_000)
    expect(measured.calls).toBeLessThanOrEqual(10)
  })
)

it.effect("a call that fails ends the measurement", () =>
  Effect.gen(function* () {
    const failed = yield* Effect.flip(
      measure({ workers: 2, forMillis: 1_000, maxCalls: 10, next: () => Effect.fail("refused") })
    )
    expect(failed).toBe("refused")
  })
)
