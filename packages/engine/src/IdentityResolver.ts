/**
 * One person out of many identities: resolves what a request asserts to a contact, and changes the store accordingly.
 *
 * The rules are a pure function, `decide`; this service gives it what it needs under the right locks and takes its steps,
 * in one transaction with whatever else the request writes. The lock order, everywhere in the product, is contacts by id,
 * idempotency rows, identity keys, the rest. What changed is returned as a value. Reads never change anything.
 */
import { PgClient } from "@effect/sql-pg"
import { type DatabaseUnavailable, IdentityDenied, type IngestionWarning, type Properties } from "@hogsend/core"
import { Context, Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Actor } from "./AuditLogs.ts"
import { isContention, orUnavailable } from "./Database.ts"
import { applySteps, type Changes, KeyLost } from "./IdentityResolver/applySteps.ts"
import { type Decision, decide } from "./IdentityResolver/decide.ts"
import { shorten, slotOf } from "./IdentityKey.ts"
import { type ContactRow, makeIdentityRepo } from "./IdentityResolver/IdentityRepo.ts"
import { noUpdate, updateContact, type Writer } from "./IdentityResolver/updateContact.ts"
import {
  anonymousContactKey,
  type AssertedKey,
  type Assertion,
  type ContactKey,
  contactKeyOf,
  type ContactState,
  isIdentified,
  type KeyState,
  type Snapshot
} from "./IdentityResolver/snapshot.ts"
import { newId } from "./newId.ts"

export type { Changes } from "./IdentityResolver/applySteps.ts"
export {
  type AssertedKey,
  type Assertion,
  canonicalAnonymousOf,
  type ContactKey,
  contactKeyOf,
  currentEmailOf,
  externalOf,
  type KeyState
} from "./IdentityResolver/snapshot.ts"

/** Whom a request turned out to be about, and what it changed. */
export interface Resolution extends ContactKey {
  /** The key that what was sent hangs on. */
  readonly keyId: string
  /** Locked, as it is after the change; null for a visitor who was only observed. */
  readonly contact: ContactRow | null
  /** `updated` names the contact's properties that have another value now. */
  readonly changes: Changes & { readonly updated: ReadonlyArray<string> }
  readonly warnings: ReadonlyArray<IngestionWarning>
}

/** Whom keys belong to now, without a change. */
export interface Lookup extends ContactKey {
  readonly contactId: string | null
  readonly identified: boolean
  /** The kind that the key has in the store. */
  readonly kind: KeyState["kind"]
  readonly certified: boolean
}

/** What a request does besides resolving, in the same transaction. */
export interface Work<A, E1, E2> {
  /** When it happened, for the contact's first and last seen. */
  readonly occurredAt: Date
  /** Written to the contact after every merge: a shallow merge, `null` removes. */
  readonly properties?: Properties | undefined
  /** After the contacts are locked and before any key is claimed: the place of idempotency rows. */
  readonly claim?: Effect.Effect<void, E1 | SqlError>
  readonly write: (resolution: Resolution) => Effect.Effect<A, E2 | SqlError>
}

/** Who asks, for the ledger and for what is stamped on a new contact. */
export interface Asker {
  readonly actor: Actor
  readonly source: string
}

export interface IdentityResolverOptions {
  /** Contact properties that only servers write, and that never come from a browser in a merge. */
  readonly serverOnlyProperties?: ReadonlyArray<string>
}

export class IdentityResolver extends Context.Service<
  IdentityResolver,
  {
    /** Resolves the assertion and does the work, or nothing at all. */
    readonly resolve: <A, E1 = never, E2 = never>(
      assertion: Assertion,
      asker: Asker,
      work: Work<A, E1, E2>
    ) => Effect.Effect<A, Exclude<E1 | E2, SqlError> | IdentityDenied | DatabaseUnavailable>
    /** Whose this key is now, or null when nobody ever sent it. */
    readonly lookup: (key: AssertedKey) => Effect.Effect<Lookup | null, DatabaseUnavailable>
  }
>()("engine/IdentityResolver") {
  static readonly layer = (options: IdentityResolverOptions = {}) =>
    Layer.effect(
      IdentityResolver,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = yield* makeIdentityRepo
        const serverOnly = new Set(options.serverOnlyProperties ?? [])

        /** Contacts locked, and what is known of them under the lock; `Moved` when it is no longer what was read first. */
        const lockedSnapshot = Effect.fnUntraced(function* (keys: ReadonlyArray<AssertedKey>) {
          const ids = contactIdsOf(yield* repo.findKeys(keys))
          const contacts = ids.length === 0 ? [] : yield* repo.lockContacts(ids)
          const snapshot = yield* repo.snapshot(keys, contacts)
          const asserted = keys.flatMap(({ kind, value }) => snapshot.keys.get(slotOf(kind, value)) ?? [])
          if (contactIdsOf(asserted).some((id) => !snapshot.contacts.has(id))) return yield* new Moved()
          return { contacts, snapshot }
        })

        const attempt = <A, E1, E2>(assertion: Assertion, asker: Asker, work: Work<A, E1, E2>) =>
          Effect.gen(function* () {
            const { contacts, snapshot } = yield* lockedSnapshot(assertion.keys)
            const decision = decide(assertion, snapshot, newId)
            if (decision._tag === "Denied") return yield* denied
            if (work.claim !== undefined) yield* work.claim
            // Nothing else keeps a key that is nobody's in its place until the event that hangs on it is there.
            if (decision.contact === null && decision.steps.length === 0) {
              if ((yield* repo.holdFreeKey(decision.keyId)).length === 0) return yield* new Moved()
            }
            const { changes, rows } = yield* applySteps(repo, decision.steps, {
              contacts,
              identified: identifiedIn(snapshot),
              assertedBy: assertion.vouchedBy,
              asker,
              occurredAt: work.occurredAt,
              serverOnly
            })
            const { contact, keyId } = decision
            const row = contact === null ? undefined : rows.get(contact.id)
            const update =
              row === undefined ? noUpdate : updateContact(row, work, writerOf(assertion, decision), serverOnly)
            if (update.changed !== undefined) yield* repo.saveContact(update.changed)
            return yield* work.write({
              ...(contact === null ? anonymousContactKey(assertion.keys[0]?.value ?? "") : contactKeyOf(contact)),
              keyId,
              contact: update.changed ?? row ?? null,
              changes: { ...changes, updated: update.updated },
              warnings: [...changes.refused.map(({ key, rule }) => joinRefused(key, rule)), ...update.warnings]
            })
          }).pipe(sql.withTransaction)

        const resolve = <A, E1 = never, E2 = never>(assertion: Assertion, asker: Asker, work: Work<A, E1, E2>) => {
          const once = attempt(assertion, asker, work)
          // Whoever keeps losing takes its turn among those who keep losing.
          const inTurn = sql.withTransaction(
            Effect.andThen(sql`select pg_advisory_xact_lock(${sql.literal(resolveLock)})`, once)
          )
          return once.pipe(
            Effect.retry({ while: mayRetry, times: 8 }),
            Effect.catchIf(mayRetry, () => Effect.retry(inTurn, { while: mayRetry, times: 100 })),
            Effect.catchIf(isMoved, () =>
              Effect.die(new Error("Identity keys kept moving for 100 attempts under the global lock"))
            ),
            orUnavailable,
            Effect.withSpan("IdentityResolver.resolve")
          )
        }

        const lookup = Effect.fn("IdentityResolver.lookup")(function* (key: AssertedKey) {
          const keys = yield* repo.findKeyAndSiblings(key)
          const row = keys.find(({ kind, value }) => slotOf(kind, value) === slotOf(key.kind, key.value))
          if (row === undefined) return null
          const { certified, contactId, kind, value } = row
          if (contactId === null) {
            return { ...anonymousContactKey(value), contactId, identified: false, kind, certified }
          }
          const state = { id: contactId, keys }
          return { ...contactKeyOf(state), contactId, identified: isIdentified(state), kind, certified }
        }, orUnavailable)

        return IdentityResolver.of({ resolve, lookup })
      })
    )
}

/** Somebody else changed what this request is about between its reading and its lock: again. */
class Moved extends Schema.TaggedError<Moved>()("Moved", {}) {}

const isMoved = (error: unknown): error is Moved | KeyLost => error instanceof Moved || error instanceof KeyLost

const mayRetry = (error: unknown): boolean => isMoved(error) || isContention(error)

const resolveLock = "4812007002"

const contactIdsOf = (rows: ReadonlyArray<{ readonly contactId: string | null }>): ReadonlyArray<string> => [
  ...new Set(rows.flatMap(({ contactId }) => contactId ?? []))
]

const identifiedIn = (snapshot: Snapshot): ReadonlySet<string> =>
  new Set([...snapshot.contacts.values()].filter((contact: ContactState) => isIdentified(contact)).map(({ id }) => id))

/** A browser without a token writes to its own anonymous contact, under its key; to an identified one it does not. */
const writerOf = (
  { vouchedBy }: Assertion,
  { keyId, wasIdentified }: Extract<Decision, { readonly _tag: "Resolved" }>
): Writer | undefined => {
  if (vouchedBy === "server" || vouchedBy === "user") return { trusted: true, server: vouchedBy === "server" }
  return wasIdentified ? undefined : { trusted: false, keyId }
}

const denied = new IdentityDenied({
  error:
    "This anonymousId cannot be used from a browser: it belongs to an identified person. For that person, identify them first; for another, start over with a new one."
})

const joinHints = {
  two_external_ids:
    "Two different user ids are never joined by themselves. If they are one person, merge them as an operator.",
  two_emails: "One browser with two email addresses may be two people, so its anonymous id was left where it is.",
  anonymous_not_joined:
    "This anonymous id belongs to another identified person, or came without its X-Hogsend-Device secret, so it was not joined to this user."
} as const

const joinRefused = (key: AssertedKey, rule: keyof typeof joinHints): IngestionWarning => ({
  code: rule === "anonymous_not_joined" ? rule : "join_refused",
  key: { kind: key.kind, value: shorten(key.kind, key.value) },
  hint: joinHints[rule]
})
