/**
 * When a call is made again, and when a stream connects again: after failures that may be gone a moment later, with pauses
 * that grow and are random, on top of the one that the server asks for. Who asks for too long a one is not waited for: a call
 * fails, and a stream, which has nobody to tell, comes back sooner.
 */
import { DatabaseUnavailable, Overloaded, RateLimited } from "@hogsend/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { ServerUnreachable, TimedOut } from "./wireFailures.ts"

type Transient = DatabaseUnavailable | Overloaded | RateLimited | ServerUnreachable | TimedOut

const transient = [DatabaseUnavailable, Overloaded, RateLimited, ServerUnreachable, TimedOut]

/** Whether the same request may fare better in a moment. */
export const isTransient = (failure: unknown): failure is Transient =>
  transient.some((failureClass) => failure instanceof failureClass)

/** For how long the server asked to be left alone. */
const askedFor = (failure: unknown): Duration.Duration =>
  isTransient(failure) && !(failure instanceof TimedOut) && failure.retryAfter !== undefined
    ? Duration.seconds(failure.retryAfter)
    : Duration.zero

/** Somewhere between nothing and the whole pause, so that many clients do not come back at one moment. */
const fullJitter = Schedule.modifyDelay(({ duration }: { readonly duration: Duration.Duration }) =>
  Effect.map(Random.next, (share) => Duration.times(duration, share))
)

/** Twice more, after up to half a second and up to a second. */
export const defaultRetry = Schedule.exponential("500 millis").pipe(fullJitter, Schedule.upTo({ times: 2 }))

/** For ever, at first at once or half a second later, in the end within half a minute. */
export const defaultReconnect = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("30 seconds")]).pipe(
  fullJitter
)

type Pauses = Schedule.Schedule<unknown, unknown>

const askedOnTop = (longest: Duration.Duration) =>
  Schedule.modifyDelay(({ duration, input }: { readonly duration: Duration.Duration; readonly input: unknown }) =>
    Effect.succeed(Duration.sum(duration, Duration.min(askedFor(input), longest)))
  )

/** Of a call. One that must not be carried out twice is made again after a `RateLimited` alone: nothing was done then. */
export const persistentCall = (pauses: Pauses, longest: Duration.Duration, repeatable: boolean) =>
  pauses.pipe(
    Schedule.while(({ input }) =>
      Effect.succeed(
        (repeatable ? isTransient(input) : input instanceof RateLimited) &&
          Duration.isLessThanOrEqualTo(askedFor(input), longest)
      )
    ),
    askedOnTop(longest)
  )

/** Of a stream. */
export const persistentStream = (pauses: Pauses, longest: Duration.Duration) =>
  pauses.pipe(
    Schedule.while(({ input }) => Effect.succeed(isTransient(input))),
    askedOnTop(longest)
  )
