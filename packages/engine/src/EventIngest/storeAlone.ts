/** Stores one event in a transaction of its own, under the resolver's locks: whatever changes who is who. */
import type { EventAccepted, IdempotencyKeyReused, IdentityDenied, DatabaseUnavailable } from "@hogsend/core"
import { Effect, Schedule, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { orUnavailable } from "../Database.ts"
import { contactKeyAsSent, type IdentityResolver } from "../IdentityResolver.ts"
import type { Warnings } from "../Warnings.ts"
import { accepted, keyReused, notStored } from "./answer.ts"
import type { IdempotencyClaim, makeEventsRepo } from "./EventsRepo.ts"
import type { Submission } from "./Submission.ts"

/** The event was stored before: roll back whatever this request did. */
class Duplicate extends Schema.TaggedError<Duplicate>()("Duplicate", {}) {}

export interface StoreParts {
  readonly repo: ReturnType<typeof makeEventsRepo>
  readonly resolver: IdentityResolver["Service"]
  readonly warnings: Warnings["Service"]
}

export type StoreFailure = IdempotencyKeyReused | IdentityDenied | DatabaseUnavailable

export const makeStoreAlone = ({ repo, resolver, warnings }: StoreParts) => {
  /** Claims the idempotency key, or finds out that the event was stored before. */
  const claimOnce = Effect.fnUntraced(function* (
    claim: IdempotencyClaim
  ): Effect.fn.Return<void, Duplicate | IdempotencyKeyReused | SqlError> {
    if ((yield* repo.claimIdempotencyKey(claim)).length > 0) return
    const [before] = yield* repo.findIdempotencyKey(claim.scope, claim.key)
    // Its event was erased, or it grew too old, between the two statements.
    if (before === undefined) return yield* claimOnce(claim)
    // An attempt of ours whose commit nobody heard of.
    if (before.eventId === claim.eventId) return
    return yield* before.fingerprint === claim.fingerprint ? new Duplicate() : keyReused
  })

  const store = Effect.fnUntraced(function* (submission: Submission) {
    const { asker, assertion, claim, draft, event, occurredAt, properties } = submission
    const resolution = yield* resolver.resolve(assertion, asker, {
      occurredAt,
      properties,
      claim: claim === undefined ? Effect.void : claimOnce(claim),
      write: (resolution) => Effect.as(repo.insert({ ...event, keyId: resolution.keyId }), resolution)
    })
    const all = [...submission.warnings, ...resolution.warnings]
    yield* warnings.record(all, { source: asker.source, contactId: resolution.contactId })
    return accepted(resolution, draft, all)
  })

  const duplicate = Effect.fnUntraced(function* ({ assertion, draft }: Submission) {
    const [strongest] = assertion.keys
    const found = strongest === undefined ? null : yield* resolver.lookup(strongest)
    // A key that was erased since then is nobody's now; it is answered as it was sent.
    return notStored(found ?? contactKeyAsSent(assertion.keys), draft, [])
  })

  return (submission: Submission): Effect.Effect<EventAccepted, StoreFailure> =>
    store(submission).pipe(
      Effect.catchTags({
        Duplicate: () => duplicate(submission),
        PersonErased: ({ warnings: left }) => {
          const all = [...submission.principal.warnings, ...left]
          const recorded = warnings.record(all, { source: submission.asker.source, contactId: null })
          return Effect.as(recorded, notStored(contactKeyAsSent(submission.assertion.keys), submission.draft, all))
        }
      }),
      // The same event again: what a commit had stored that nobody heard of is not stored twice.
      Effect.retry({
        while: ({ _tag }) => _tag === "DatabaseUnavailable",
        schedule: Schedule.spaced("500 millis"),
        times: 4
      }),
      orUnavailable
    )
}
