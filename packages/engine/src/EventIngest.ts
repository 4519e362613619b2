/**
 * Takes events in: one event, one answer after the commit; many at once, each as if it had come alone.
 *
 * An event hangs on the key that it was asserted under, keeps who vouched for it, and may carry a patch of its contact. A
 * duplicate, told by its idempotency key and content, changes nothing at all. What is refused of an accepted event is a
 * warning, answered and kept. What arrives at the same time is stored together (`GroupCommit`).
 */
import { PgClient } from "@effect/sql-pg"
import {
  type Caller,
  type DatabaseUnavailable,
  type EventAccepted,
  type EventBatchAccepted,
  type EventBatchResult,
  type EventDraft,
  type EventItemRefusal,
  type IdempotencyKeyReused,
  type IdentityDenied,
  type Overloaded,
  type RateLimited,
  type ReservedEventName
} from "@hogsend/core"
import { Clock, Context, Effect, Exit, Layer } from "effect"
import { orUnavailable } from "./Database.ts"
import { reservedName } from "./EventIngest/answer.ts"
import { toBatchAnswer, toResults } from "./EventIngest/batchAnswer.ts"
import { isReservedEventName } from "./EventIngest/eventName.ts"
import { makeEventNumbers } from "./EventIngest/eventNumbers.ts"
import { makeEventsRepo } from "./EventIngest/EventsRepo.ts"
import { fingerprintOf } from "./EventIngest/fingerprint.ts"
import { type GroupCommitOptions, makeGroupCommit } from "./EventIngest/GroupCommit.ts"
import { makeStoreAlone } from "./EventIngest/storeAlone.ts"
import { makeStoreGroup } from "./EventIngest/storeGroup.ts"
import type { Submission } from "./EventIngest/Submission.ts"
import { toSubmission } from "./EventIngest/toSubmission.ts"
import { type AssertedKey, IdentityResolver } from "./IdentityResolver.ts"
import { newId } from "./newId.ts"
import {
  type Claims,
  isEmpty,
  type PrincipalRefused,
  Principals,
  type SourceClaims,
  type SourceOrigin,
  sourcePrincipal
} from "./Principals.ts"
import { Tombstones } from "./Tombstones.ts"
import { currentSpan } from "./traceContext.ts"
import { Warnings } from "./Warnings.ts"

export interface EventIngestOptions {
  /** Event names that only servers may send, beside those of the engine's namespaces. */
  readonly serverOnlyEvents?: ReadonlyArray<string>
  readonly groupCommit?: GroupCommitOptions
}

/** What a request carries beside its body. */
export interface Carried {
  readonly userTokens: ReadonlyArray<string>
  readonly device?: string | undefined
  readonly idempotencyKey?: string | undefined
}

/** An event of a webhook source: what it says, and apart from that whom it is about. */
export interface SourceDraft {
  readonly draft: EventDraft | EventItemRefusal
  readonly claims: SourceClaims
}

/** Why an event was not accepted; nothing was stored. */
export type EventRefused =
  | PrincipalRefused
  | IdentityDenied
  | ReservedEventName
  | IdempotencyKeyReused
  | DatabaseUnavailable
  | Overloaded

/** Takes events in, one or many. It answers after the commit. */
export class EventIngest extends Context.Service<
  EventIngest,
  {
    readonly ingest: (
      caller: Caller["Service"],
      draft: EventDraft,
      carried: Carried
    ) => Effect.Effect<EventAccepted, EventRefused>
    /**
     * One result for each item, in order. An idempotency key that the batch carries names each event that has none of its
     * own, by its place. Fails when nothing could be stored and all of it may be sent again.
     */
    readonly ingestBatch: (
      caller: Caller["Service"],
      items: ReadonlyArray<EventDraft | EventItemRefusal>,
      carried: Carried
    ) => Effect.Effect<EventBatchAccepted, DatabaseUnavailable | Overloaded | RateLimited>
    /**
     * One result for each event of a webhook, in order. Fails when any could not be stored for no fault of its own: the
     * vendor sends all of it again, and those that are stored have idempotency keys.
     */
    readonly ingestFrom: (
      source: SourceOrigin,
      events: ReadonlyArray<SourceDraft>
    ) => Effect.Effect<ReadonlyArray<EventBatchResult>, DatabaseUnavailable | Overloaded | RateLimited>
  }
>()("engine/EventIngest") {
  static readonly layer = (options: EventIngestOptions = {}) =>
    Layer.effect(
      EventIngest,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const principals = yield* Principals
        const warnings = yield* Warnings
        const resolver = yield* IdentityResolver
        const tombstones = yield* Tombstones
        const parts = { repo: makeEventsRepo(sql), resolver, warnings }
        const serverOnly = new Set(options.serverOnlyEvents ?? [])
        const isReserved = (name: string) => isReservedEventName(name) || serverOnly.has(name)
        const numbers = yield* makeEventNumbers
        const submit = yield* makeGroupCommit(
          { storeGroup: makeStoreGroup(parts), storeAlone: makeStoreAlone(parts) },
          options.groupCommit,
          numbers.observer
        )

        /** Everything about an event that needs no database. */
        const prepare = Effect.fnUntraced(function* (
          caller: Caller["Service"],
          draft: EventDraft,
          carried: Carried,
          batch?: string
        ) {
          const principal = yield* principals
            .establish(caller, claimsOf(draft, carried))
            .pipe(Effect.tapErrorTag("IdentityMissing", warnings.recordMissing(caller)))
          if (caller.restricted && isReserved(draft.name)) return yield* reservedName(draft.name)
          const receivedAt = yield* Clock.currentTimeMillis
          const { idempotencyKey } = carried
          return toSubmission(caller, draft, principal, {
            receivedAt,
            batch,
            idempotencyKey,
            fingerprint: fingerprintOf(draft),
            span: yield* currentSpan
          })
        })

        /** An address that is nobody's may be, or have been, somebody's user id: so an app may name its users. */
        const heldAs = Effect.fnUntraced(function* (key: AssertedKey, distinctId: string) {
          if (key.kind !== "email" || (yield* resolver.lookup(key))?.contactId != null) return key
          const named: AssertedKey = { kind: "external", value: distinctId }
          const holder = yield* resolver.lookup(named)
          if (holder !== null) return holder.contactId === null ? key : named
          return (yield* orUnavailable(tombstones.find([named]))).size > 0 ? named : key
        })

        const prepareFrom = Effect.fnUntraced(function* (
          source: SourceOrigin,
          { claims, draft }: SourceDraft,
          batch: string
        ) {
          if ("_tag" in draft) return yield* draft
          const about = { source: source.id, contactId: null }
          const principal = yield* sourcePrincipal(source, claims).pipe(
            Effect.tapError((missing) => warnings.record(missing.warnings ?? [], about))
          )
          const attaches = principal.assertion.attaches === true
          if (attaches && isReserved(draft.name)) return yield* reservedName(draft.name)
          const keys = attaches
            ? yield* Effect.forEach(principal.assertion.keys, (key) => heldAs(key, claims.distinctId ?? ""))
            : principal.assertion.keys
          return toSubmission(
            { name: `source:${source.id}`, keyId: null },
            draft,
            { ...principal, assertion: { ...principal.assertion, keys } },
            {
              receivedAt: yield* Clock.currentTimeMillis,
              batch,
              idempotencyKey: draft.idempotencyKey,
              // The vendor's word: what comes under the same id is the same event, also where this version reads it otherwise.
              fingerprint: "source",
              span: yield* currentSpan
            }
          )
        })

        /** What became of each, in order: of those that were refused before, that they were. */
        const submitAll = Effect.fnUntraced(function* <E extends EventRefused | EventItemRefusal>(
          prepared: ReadonlyArray<Exit.Exit<Submission, E>>
        ) {
          const stored = (yield* submit(prepared.flatMap((exit) => (Exit.isSuccess(exit) ? [exit.value] : []))).pipe(
            Effect.tapError((refused) => Effect.sync(() => numbers.count(Exit.fail(refused), prepared.length)))
          )).values()
          const exits = prepared.map((exit) =>
            Exit.isSuccess(exit) ? (stored.next().value ?? unanswered) : Exit.failCause(exit.cause)
          )
          for (const exit of exits) numbers.count(exit)
          return exits
        })

        const ingest = Effect.fnUntraced(
          function* (caller: Caller["Service"], draft: EventDraft, carried: Carried) {
            const { idempotencyKey = draft.idempotencyKey } = carried
            const submission = yield* prepare(caller, draft, { ...carried, idempotencyKey })
            const [exit] = yield* submit([submission])
            const accepted = yield* exit ?? unanswered
            describe(submission, accepted)
            return accepted
          },
          Effect.onExit((exit) => Effect.sync(() => numbers.count(exit)))
        )

        const ingestBatch = Effect.fn("EventIngest.ingestBatch")(function* (
          caller: Caller["Service"],
          items: ReadonlyArray<EventDraft | EventItemRefusal>,
          carried: Carried
        ) {
          const batch = newId()
          const prepareItem = (
            item: EventDraft | EventItemRefusal,
            at: number
          ): Effect.Effect<Submission, EventRefused | EventItemRefusal> =>
            "_tag" in item
              ? Effect.fail(item)
              : prepare(caller, item, { ...carried, idempotencyKey: keyInBatch(item, carried, at) }, batch)
          const prepared = yield* Effect.forEach(items, (item, at) => Effect.exit(prepareItem(item, at)))
          return yield* toBatchAnswer(yield* submitAll(prepared))
        })

        const ingestFrom = Effect.fn("EventIngest.ingestFrom")(function* (
          source: SourceOrigin,
          events: ReadonlyArray<SourceDraft>
        ) {
          const batch = newId()
          const prepared = yield* Effect.forEach(events, (event) => Effect.exit(prepareFrom(source, event, batch)))
          return yield* toResults(yield* submitAll(prepared))
        })

        return EventIngest.of({ ingest, ingestBatch, ingestFrom })
      })
    )
}

/** To the tracer of its request, where one listens. */
const describe = ({ event, span }: Submission, { contactKeyKind }: EventAccepted): void => {
  if (span?._tag !== "Span") return
  span.attribute("hogsend.event_id", event.id)
  span.attribute("hogsend.contact_key_kind", contactKeyKind)
}

const unanswered = Exit.die(new Error("An event that was handed in was not answered"))

/** The event's own key; the batch's names an event by its place. */
const keyInBatch = (draft: EventDraft, { idempotencyKey }: Carried, at: number): string | undefined =>
  draft.idempotencyKey ?? (idempotencyKey === undefined ? undefined : `${idempotencyKey}:${at}`)

const claimsOf = (draft: EventDraft, { device, userTokens }: Carried): Claims => ({
  userId: draft.userId,
  email: draft.email,
  anonymousId: draft.anonymousId,
  emailVerified: draft.emailVerified,
  restore: draft.restore,
  userTokens: draft.userToken === undefined ? userTokens : [...userTokens, draft.userToken],
  device,
  fromBrowser: draft.source === "inapp",
  writesLists: draft.lists !== undefined,
  observesOnly: isEmpty(draft.contactProperties) && draft.value === undefined && isEmpty(draft.groups)
})
