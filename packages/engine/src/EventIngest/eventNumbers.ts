/** Counts events by what became of them, and the groups that they are stored in. */
import type { EventAccepted, EventItemRefusal } from "@hogsend/core"
import { Cause, Effect, Exit, Option } from "effect"
import { Metrics } from "../Metrics.ts"
import type { EventRefused } from "../EventIngest.ts"
import type { GroupObserver } from "./GroupCommit.ts"

export const makeEventNumbers = Effect.gen(function* () {
  const stored = (yield* Metrics.counter("hogsend_events_stored_total"))()
  const duplicates = (yield* Metrics.counter("hogsend_events_duplicate_total"))()
  const rejected = yield* Metrics.counter("hogsend_events_rejected_total")
  const overloaded = (yield* Metrics.counter("hogsend_ingest_overloaded_total"))()
  const waits = (yield* Metrics.histogram("hogsend_ingest_wait_seconds"))()
  const durations = (yield* Metrics.histogram("hogsend_ingest_group_duration_seconds"))()
  const sizes = (yield* Metrics.histogram("hogsend_ingest_group_events"))()

  /** Of so many events, since all of a request can come to the same end. */
  const count = (exit: Exit.Exit<EventAccepted, EventRefused | EventItemRefusal>, events = 1): void => {
    if (Exit.isSuccess(exit)) return (exit.value.stored ? stored : duplicates)(events)
    // Whoever hung up was not refused, and may be stored.
    if (Cause.hasInterruptsOnly(exit.cause)) return
    const failure = Option.getOrUndefined(Exit.findErrorOption(exit))
    rejected(failure?._tag ?? "InternalFault")(events)
  }

  const observer: GroupObserver = {
    onGroup: ({ items, took, waited }) => {
      sizes(items)
      waits(waited / 1000)
      durations(took / 1000)
    },
    onRefused: overloaded,
    onStart: (depth) => Effect.asVoid(Metrics.observed("hogsend_ingest_queue_depth", depth))
  }

  return { count, observer }
})
