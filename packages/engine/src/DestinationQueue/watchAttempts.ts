/**
 * Attempts as they end, for whoever watches: one look each interval at those that were written since the look before.
 *
 * It reads what the workers write anyway, along an index of a few pages, so that a queue that nobody watches costs the same. It
 * never waits for who reads: what that one does not take is counted, and left out.
 */
import { AttemptEnded, AttemptsSkipped, type DatabaseUnavailable, type DeliveriesWatchItem } from "@hogsend/core"
import { Effect, Queue, Stream } from "effect"

export interface WatchOptions {
  /** How long until the next look, in milliseconds. 500. */
  readonly interval?: number
  /** How long ago an attempt may have begun when it is written, in milliseconds; one that took longer is not told. 30000. */
  readonly lookBack?: number
  /** How many attempts wait for a slow reader, and are read in a look, at the most. 1000. */
  readonly buffer?: number
}

/** Names an attempt: the delivery's id, and which attempt at it. */
export interface AttemptName {
  readonly id: string
  readonly number: number
}

/** Whom the database is asked through. */
export interface WatchSource {
  readonly horizon: Effect.Effect<string, DatabaseUnavailable>
  /** Those that can be new since the horizon, in the order in which they ended. */
  readonly since: (horizon: string) => Effect.Effect<ReadonlyArray<AttemptName>, DatabaseUnavailable>
  readonly read: (
    attempts: ReadonlyArray<AttemptName>
  ) => Effect.Effect<ReadonlyArray<AttemptEnded>, DatabaseUnavailable>
}

/** Answers once it watches: whatever ends from then on is given. */
export const watchAttempts = Effect.fnUntraced(function* (
  { horizon, read, since }: WatchSource,
  { buffer = 1000, interval = 500 }: Pick<WatchOptions, "buffer" | "interval">
) {
  const look = { horizon: yield* horizon, met: new Set<string>() }
  look.met = new Set((yield* since(look.horizon)).map(nameOf))

  /** What a look does not meet again, none after it does. */
  const lookOn = Effect.gen(function* () {
    const now = yield* horizon
    const found = yield* since(look.horizon)
    const fresh = found.filter((attempt) => !look.met.has(nameOf(attempt)))
    look.met = new Set(found.map(nameOf))
    look.horizon = now
    return fresh
  })

  return Stream.callback<DeliveriesWatchItem, DatabaseUnavailable>(
    Effect.fnUntraced(function* (queue) {
      let skipped = 0
      while (true) {
        yield* Effect.sleep(interval)
        const fresh = yield* lookOn
        // One place is for saying how many were left out.
        const taken = fresh.slice(0, Math.max(0, buffer - 1 - (yield* Queue.size(queue))))
        if (taken.length > 0) yield* Queue.offerAll(queue, yield* read(taken))
        skipped += fresh.length - taken.length
        if (skipped > 0 && (yield* Queue.size(queue)) < buffer) {
          yield* Queue.offer(queue, new AttemptsSkipped({ count: skipped }))
          skipped = 0
        }
      }
    }),
    { bufferSize: buffer }
  )
})

const nameOf = ({ id, number }: AttemptName): string => `${id}:${number}`
