/**
 * Takes events in: one event, one transaction, one answer after the commit.
 *
 * An event hangs on the key that it was asserted under, keeps who vouched for it, and may carry a patch of its contact. A
 * duplicate, told by its idempotency key and content, changes nothing at all. What is refused of an accepted event is a
 * warning, answered and kept.
 */
import { PgClient } from "@effect/sql-pg"
import {
  type Caller,
  type DatabaseUnavailable,
  type EventAccepted,
  type EventDraft,
  IdempotencyKeyReused,
  type IdentityDenied,
  type IngestionWarning,
  ReservedEventName
} from "@hogsend/core"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { orUnavailable } from "./Database.ts"
import { isReservedEventName } from "./EventIngest/eventName.ts"
import { fingerprintOf } from "./EventIngest/fingerprint.ts"
import { makeEventsRepo } from "./EventIngest/EventsRepo.ts"
import { occurrence } from "./EventIngest/occurrence.ts"
import { contactKeyAsSent, IdentityResolver } from "./IdentityResolver.ts"
import { newId } from "./newId.ts"
import { type Claims, isEmpty, type Principal, type PrincipalRefused, Principals } from "./Principals.ts"
import { Warnings } from "./Warnings.ts"

export interface EventIngestOptions {
  /** Event names that only servers may send, beside those of the engine's namespaces. */
  readonly serverOnlyEvents?: ReadonlyArray<string>
}

/** What a request carries beside its body. */
export interface Carried {
  readonly userTokens: ReadonlyArray<string>
  readonly device?: string | undefined
  readonly idempotencyKey?: string | undefined
}

/** Why an event was not accepted; nothing was stored. */
export type EventRefused =
  | PrincipalRefused
  | IdentityDenied
  | ReservedEventName
  | IdempotencyKeyReused
  | DatabaseUnavailable

export class EventIngest extends Context.Service<
  EventIngest,
  {
    readonly ingest: (
      caller: Caller["Service"],
      draft: EventDraft,
      carried: Carried
    ) => Effect.Effect<EventAccepted, EventRefused>
  }
>()("engine/EventIngest") {
  static readonly layer = (options: EventIngestOptions = {}) =>
    Layer.effect(
      EventIngest,
      Effect.gen(function* () {
        const principals = yield* Principals
        const resolver = yield* IdentityResolver
        const warnings = yield* Warnings
        const repo = makeEventsRepo(yield* PgClient.PgClient)
        const serverOnly = new Set(options.serverOnlyEvents ?? [])

        /** Claims the idempotency key, or finds out that the event was stored before. */
        const claimOnce = Effect.fnUntraced(function* (
          claim: Parameters<typeof repo.claimIdempotencyKey>[0]
        ): Effect.fn.Return<void, Duplicate | IdempotencyKeyReused | SqlError> {
          if ((yield* repo.claimIdempotencyKey(claim)).length > 0) return
          const [before] = yield* repo.findIdempotencyKey(claim.scope, claim.key)
          // Its event was erased, or it grew too old, between the two statements.
          if (before === undefined) return yield* claimOnce(claim)
          return yield* before.fingerprint === claim.fingerprint ? new Duplicate() : keyReused
        })

        const store = Effect.fnUntraced(function* (
          caller: Caller["Service"],
          draft: EventDraft,
          principal: Principal,
          idempotencyKey: string | undefined
        ) {
          const receivedAt = yield* Clock.currentTimeMillis
          const when = occurrence(draft.timestamp, receivedAt)
          const id = newId()
          const { assertion, source } = principal
          const { all, resolution } = yield* resolver.resolve(
            assertion,
            { actor: caller, source },
            {
              occurredAt: when.occurredAt,
              properties: { ...principal.traits, ...draft.contactProperties },
              claim:
                idempotencyKey === undefined
                  ? Effect.void
                  : claimOnce({
                      scope: principal.idempotencyScope,
                      key: idempotencyKey,
                      fingerprint: fingerprintOf(draft),
                      eventId: id
                    }),
              write: Effect.fnUntraced(function* (resolution) {
                yield* repo.insert({
                  id,
                  keyId: resolution.keyId,
                  name: draft.name,
                  properties: draft.eventProperties ?? {},
                  value: draft.value ?? null,
                  currency: draft.value === undefined ? null : (draft.currency?.toUpperCase() ?? null),
                  groups: draft.groups ?? null,
                  source,
                  vouchedBy: assertion.vouchedBy,
                  idempotencyKey: idempotencyKey ?? null,
                  occurredAt: when.occurredAt
                })
                const all = [
                  ...principal.warnings,
                  ...when.warnings,
                  ...resolution.warnings,
                  ...(draft.properties === undefined ? [] : [unknownProperties])
                ]
                return { all, resolution }
              })
            }
          )
          yield* warnings.record(all, { source, contactId: resolution.contact?.id ?? null })
          return accepted(resolution, draft, all)
        })

        const duplicate = Effect.fnUntraced(function* (draft: EventDraft, { assertion }: Principal) {
          const [strongest] = assertion.keys
          const found = strongest === undefined ? null : yield* resolver.lookup(strongest)
          // A key that was erased since then is nobody's now; it is answered as it was sent.
          return { ...accepted(found ?? contactKeyAsSent(assertion.keys), draft, []), stored: false }
        })

        const erased = Effect.fnUntraced(function* (
          draft: EventDraft,
          { assertion, source, warnings: refused }: Principal,
          left: ReadonlyArray<IngestionWarning>
        ) {
          const all = [...refused, ...left]
          yield* warnings.record(all, { source, contactId: null })
          return { ...accepted(contactKeyAsSent(assertion.keys), draft, all), stored: false }
        })

        const ingest = Effect.fn("EventIngest.ingest")(function* (
          caller: Caller["Service"],
          draft: EventDraft,
          carried: Carried
        ) {
          const principal = yield* principals
            .establish(caller, claimsOf(draft, carried))
            .pipe(Effect.tapErrorTag("IdentityMissing", warnings.recordMissing(caller)))
          if (caller.restricted && (isReservedEventName(draft.name) || serverOnly.has(draft.name))) {
            return yield* reservedName(draft.name)
          }
          return yield* store(caller, draft, principal, carried.idempotencyKey ?? draft.idempotencyKey).pipe(
            Effect.catchTags({
              Duplicate: () => duplicate(draft, principal),
              PersonErased: (left) => erased(draft, principal, left.warnings)
            }),
            orUnavailable
          )
        })

        return EventIngest.of({ ingest })
      })
    )
}

/** The event was stored before: roll back whatever this request did. */
class Duplicate extends Schema.TaggedError<Duplicate>()("Duplicate", {}) {}

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

const accepted = (
  key: Pick<EventAccepted, "contactKey" | "contactKeyKind" | "safeToIdentify">,
  draft: EventDraft,
  warnings: ReadonlyArray<IngestionWarning>
): EventAccepted => ({
  stored: true,
  exits: [],
  contactKey: key.contactKey,
  contactKeyKind: key.contactKeyKind,
  safeToIdentify: key.safeToIdentify,
  ...(warnings.length === 0 ? {} : { warnings }),
  ...(draft.lists === undefined
    ? {}
    : { listsError: "This server has no lists yet; the event was stored without them." })
})

const unknownProperties: IngestionWarning = {
  code: "unknown_field",
  hint: "An event has no field named properties, so it was left out. Send eventProperties or contactProperties."
}

const reservedName = (name: string) =>
  new ReservedEventName({
    error: `The event name ${JSON.stringify(name.slice(0, 60))} is reserved for servers. Send it with a secret key, or choose another name.`
  })

const keyReused = new IdempotencyKeyReused({
  error: "This Idempotency-Key was used for another event. Use a new key for new content."
})
