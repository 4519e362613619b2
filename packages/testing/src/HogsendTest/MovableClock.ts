/**
 * The clock of a test's engine: the time of day with an offset that a test sets. It flows, and what sleeps or waits for a
 * time-out takes as long as ever; only what the time is moves.
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { TestClock } from "effect/testing"

export class MovableClock extends Context.Service<
  MovableClock,
  {
    /** How far it is ahead of the time of day, in milliseconds. */
    readonly offset: () => number
    readonly setOffset: (offset: number) => void
  }
>()("testing/MovableClock") {
  /** Stands in the place of Effect's clock, and of the `TestClock` of `it.effect`, for whatever runs over it. */
  static readonly layer = Layer.effectContext(
    Effect.sync(() => {
      const real = Context.get(Context.empty(), Clock.Clock)
      const state = { offset: 0 }
      const millis = () => real.currentTimeMillisUnsafe() + state.offset
      const nanos = () => real.currentTimeNanosUnsafe() + BigInt(state.offset) * 1_000_000n
      const notThisOne = Effect.die(
        new Error("The engine of HogsendTest has a clock of its own: move it with HogsendTest's clock.adjust.")
      )
      const clock: TestClock.TestClock = {
        currentTimeMillisUnsafe: millis,
        currentTimeMillis: Effect.sync(millis),
        currentTimeNanosUnsafe: nanos,
        currentTimeNanos: Effect.sync(nanos),
        monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: real.monotonicTimeNanos,
        sleep: (duration) => real.sleep(duration),
        // Effect's `TestClock` functions take whatever clock is there.
        adjust: () => notThisOne,
        setTime: () => notThisOne,
        withLive: (effect) => Effect.provideService(effect, Clock.Clock, real)
      }
      const movable = MovableClock.of({
        offset: () => state.offset,
        setOffset: (offset) => void (state.offset = offset)
      })
      return Context.make(MovableClock, movable).pipe(Context.add(Clock.Clock, clock))
    })
  )
}
