/**
 * Measures how long calls take, in a closed loop: each of N workers calls again as soon as it was answered.
 *
 * Latencies go into an array that was allocated before the first call. A call is made (its key drawn, its input built)
 * before its clock starts. A call that fails ends the measurement: a bench of errors is none.
 */
import { Effect } from "effect"

/** What a measurement found: latencies in microseconds. */
export interface Measurement {
  readonly calls: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly perSecond: number
}

export interface Load<E> {
  readonly workers: number
  /** It ends after this time, in milliseconds, or after this many calls, whichever is first. */
  readonly forMillis: number
  readonly maxCalls: number
  /** Makes the next call; only the Effect that it answers is timed. */
  readonly next: () => Effect.Effect<unknown, E>
}

/** Puts the load on and waits until the last of its calls was answered. */
export const measure = <E>({ forMillis, maxCalls, next, workers }: Load<E>): Effect.Effect<Measurement, E> =>
  Effect.suspend(() => {
    const latencies = new Float64Array(maxCalls)
    const begun = performance.now()
    let started = 0
    let answered = 0
    const worker = Effect.gen(function* () {
      while (started < maxCalls && performance.now() - begun < forMillis) {
        started += 1
        const call = next()
        const from = performance.now()
        yield* call
        latencies[answered] = (performance.now() - from) * 1000
        answered += 1
      }
    })
    return Effect.all(
      Array.from({ length: workers }, () => worker),
      { concurrency: "unbounded", discard: true }
    ).pipe(
      Effect.map(() => {
        const sorted = latencies.subarray(0, answered).toSorted()
        const seconds = (performance.now() - begun) / 1000
        return {
          calls: answered,
          p50: percentile(sorted, 0.5),
          p95: percentile(sorted, 0.95),
          p99: percentile(sorted, 0.99),
          perSecond: answered / seconds
        }
      })
    )
  })

/** The smallest value that at least this share of the sorted values does not exceed; 0 of nothing. */
export const percentile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0

/** The middle one, or the lower of two; 0 of nothing. */
export const median = (values: ReadonlyArray<number>): number =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5
  )

/** Of every number the best of the rounds: it is disturbed least, and hides what only happens now and then. */
export const bestOf = (rounds: ReadonlyArray<Measurement>): Measurement => ({
  calls: rounds.reduce((sum, { calls }) => sum + calls, 0),
  p50: Math.min(...rounds.map(({ p50 }) => p50)),
  p95: Math.min(...rounds.map(({ p95 }) => p95)),
  p99: Math.min(...rounds.map(({ p99 }) => p99)),
  perSecond: Math.max(...rounds.map(({ perSecond }) => perSecond))
})

/** The measurement whose every number is the median of the rounds' numbers, so that a disturbed round does not count. */
export const medianOf = (rounds: ReadonlyArray<Measurement>): Measurement => {
  const of = (field: keyof Measurement) => median(rounds.map((round) => round[field]))
  return {
    calls: rounds.reduce((sum, { calls }) => sum + calls, 0),
    p50: of("p50"),
    p95: of("p95"),
    p99: of("p99"),
    perSecond: of("perSecond")
  }
}
