/**
 * Resolves one request: what its keys are is read under their locks, `decide` says what is to happen, and the steps are taken
 * with the request's own work. Part of a transaction, which begins again when it fails with `Moved`.
 */
import type { PgClient } from "@effect/sql-pg"
import { IdentityDenied, IngestionWarning } from "@hogsend/core"
import { Effect, Schema } from "effect"
import { Moved } from "../Database.ts"
import type { Asker, Work } from "../IdentityResolver.ts"
import { newId } from "../newId.ts"
import type { OutboundMessages } from "../OutboundMessages.ts"
import { applySteps, type Changes, stepsOf } from "./applySteps.ts"
import { starOf } from "./burnGuard.ts"
import { decide } from "./decide.ts"
import type { makeIdentityRepo } from "./IdentityRepo.ts"
import { emailMoved, erasedPerson, joinRefused, promotedKey } from "./identityWarnings.ts"
import type { IdentityLimits } from "./limits.ts"
import type { makeLocking } from "./locking.ts"
import { resolutionEvents } from "./resolutionEvents.ts"
import {
  type Assertion,
  contactKeyAsSent,
  contactKeyOf,
  type ContactState,
  isIdentified,
  type Snapshot
} from "./snapshot.ts"
import { noUpdate, updateContact, writerOf } from "./updateContact.ts"

/** Whoever held the keys was erased: nothing was stored. The caller answers as usual, with these warnings. */
export class PersonErased extends Schema.TaggedError<PersonErased>()("PersonErased", {
  warnings: Schema.Array(IngestionWarning)
}) {}

export interface ResolveAloneParts {
  readonly sql: PgClient.PgClient
  readonly repo: Effect.Success<typeof makeIdentityRepo>
  readonly outbound: OutboundMessages["Service"]
  readonly locking: ReturnType<typeof makeLocking>
  readonly limits: IdentityLimits
  /** Whether the analytics provider is told of merges; live. */
  readonly listens: () => boolean
  /** Contact properties that only servers write. */
  readonly serverOnly: ReadonlySet<string>
  /** Told when they are committed. */
  readonly onChanges: (changes: Changes) => void
}

export const makeResolveAlone =
  ({ limits, listens, locking, onChanges, outbound, repo, serverOnly, sql }: ResolveAloneParts) =>
  <A, E1, E2>(assertion: Assertion, asker: Asker, work: Work<A, E1, E2>) =>
    Effect.gen(function* () {
      const { contacts, snapshot } = yield* locking.lockedSnapshot(assertion.keys)
      const occurredAt = work.occurredAt.getTime() * 1000
      const decision = decide(assertion, snapshot, { mint: newId, occurredAt, limits })
      if (decision._tag === "Denied") return yield* denied
      if (decision._tag === "Erased") {
        return yield* new PersonErased({ warnings: decision.keys.map(erasedPerson) })
      }
      if (work.claim !== undefined) yield* work.claim
      // Nothing else keeps a key that is nobody's in its place until the event that hangs on it is there.
      if (decision.contact === null && decision.steps.length === 0) {
        if ((yield* repo.holdFreeKey(decision.keyId)).length === 0) return yield* new Moved()
      }
      const { contact, keyId } = decision
      const isNew = stepsOf(decision.steps, "CreateContact").some(({ contactId }) => contactId === contact?.id)
      const star = starOf(contact, { isNew, listens: listens() })
      const { changes, rows } = yield* applySteps(repo, decision.steps, {
        contacts,
        identified: identifiedIn(snapshot),
        assertedBy: assertion.vouchedBy,
        asker,
        occurredAt: work.occurredAt,
        serverOnly,
        marks: star.marks
      })
      const row = contact === null ? undefined : rows.get(contact.id)
      const update = row === undefined ? noUpdate : updateContact(row, work, writerOf(assertion, decision), serverOnly)
      if (update.changed !== undefined) yield* repo.saveContacts([update.changed])
      const now = update.changed === undefined ? rows : new Map(rows).set(update.changed.id, update.changed)
      yield* outbound.follow(
        stepsOf(decision.steps, "ClaimKey").flatMap(({ contactId, notBefore, value }) =>
          contactId === null || notBefore === null ? [] : [{ value, contactId }]
        )
      )
      const events = resolutionEvents({ decision, snapshot, locked: contacts, rows: now, changes })
      yield* outbound.tell([...events, ...star.merges])
      yield* sql.afterCommit(Effect.sync(() => onChanges(changes)))
      return yield* work.write({
        ...(contact === null ? contactKeyAsSent(assertion.keys) : contactKeyOf(contact)),
        keyId,
        contactId: contact?.id ?? null,
        contact: update.changed ?? row ?? null,
        changes: { ...changes, updated: update.updated },
        warnings: [
          ...changes.refused.map(({ key, rule }) => joinRefused(key, rule)),
          ...changes.moved.map(({ value }) => emailMoved(value)),
          ...changes.promoted.map(() => promotedKey(assertion.keys[0]?.value ?? "")),
          ...decision.erased.map(erasedPerson),
          ...update.warnings
        ]
      })
    })

const identifiedIn = (snapshot: Snapshot): ReadonlySet<string> =>
  new Set([...snapshot.contacts.values()].filter((contact: ContactState) => isIdentified(contact)).map(({ id }) => id))

const denied = new IdentityDenied({
  error:
    "This anonymousId cannot be used from a browser: it belongs to an identified person. For that person, identify them first; for another, start over with a new one."
})
