/**
 * A span for what every request does: as `Effect.fn` makes one, but at no cost while no tracer is there to see it. A span
 * and its stack trace take longer than a look-up in memory.
 */
import { Effect, Tracer } from "effect"

export const traced =
  <Args extends ReadonlyArray<unknown>, A, E, R>(name: string, run: (...args: Args) => Effect.Effect<A, E, R>) =>
  (...args: Args): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) =>
      fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer ? run(...args) : Effect.withSpan(run(...args), name)
    )
