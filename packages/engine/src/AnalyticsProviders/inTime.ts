/** Ends in time whatever it waits for: what a host app's Layer does at the start may hang, also where it cannot be interrupted. */
import { Effect, Fiber, Option } from "effect"

/** None after so many milliseconds: it is told to stop, and not waited for. */
export const inTime = Effect.fnUntraced(function* <A, E, R>(opening: Effect.Effect<A, E, R>, milliseconds: number) {
  const fiber = yield* Effect.forkDetach(opening, { startImmediately: true })
  const exit = yield* Effect.timeoutOption(Fiber.await(fiber), milliseconds).pipe(
    Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
  )
  return Option.isSome(exit) ? Option.some(yield* exit.value) : Option.none()
})
