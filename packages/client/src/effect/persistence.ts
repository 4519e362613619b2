/**
 * When a call is made again, and when a stream connects again: after failures that may be gone a moment later, with pauses
 * that grow and are random, and never before the server said.
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
  (failure instanceof RateLimited || failure instanceof ServerUnreachable) && failure.retryAfter !== undefined
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

/** The schedule for failures that are transient, and not for those whose server asked for a longer pause than `longest`. */
export const persistent = (schedule: Schedule.Schedule<unknown, unknown>, longest: Duration.Duration) =>
  schedule.pipe(
    Schedule.while(({ input }) =>
      Effect.succeed(isTransient(input) && Duration.isLessThanOrEqualTo(askedFor(input), longest))
    ),
    Schedule.modifyDelay(({ duration, input }) => Effect.succeed(Duration.max(duration, askedFor(input))))
  )
