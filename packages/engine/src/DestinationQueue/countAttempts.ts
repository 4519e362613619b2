/** Counts attempts by the endpoint's kind and what became of the delivery, and how long receivers take. */
import { Effect } from "effect"
import { Metrics } from "../Metrics.ts"
import type { Attempted } from "./attempt.ts"

export const makeCountAttempts = Effect.gen(function* () {
  const attempts = yield* Metrics.counter("hogsend_delivery_attempts_total")
  const durations = yield* Metrics.histogram("hogsend_delivery_attempt_duration_seconds")
  return (kind: string, attempted: Attempted): void => {
    attempts(kind, outcomeOf(attempted))(1)
    if (attempted.sent !== null) durations(kind)(attempted.sent.duration / 1000)
  }
})

/** One that waits is tried again; one that does not count was not begun. */
const outcomeOf = ({ counts, status }: Attempted): string => {
  if (!counts) return "postponed"
  return status === "pending" ? "retried" : status
}
