/** The end of what runs until it is stopped. */
import * as Effect from "effect/Effect"
import { note } from "./output.ts"

/** Whoever is asked to stop and does so has not failed. */
export const endsInOrder = Effect.onInterrupt(() =>
  Effect.andThen(
    Effect.sync(() => {
      process.exitCode = 0
    }),
    note("It has stopped.")
  )
)
