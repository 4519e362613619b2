/**
 * One person out of many identities: resolves what a request asserts to a contact, and changes the store accordingly.
 *
 * The rules are a pure function, `decide`; this service gives it what it needs under the right locks and takes its steps,
 * in one transaction with whatever else the request writes. The lock order, everywhere in the product, is contacts by id,
 * idempotency rows, identity keys, the rest. What changed is returned as a value. Reads never change anything.
 */
import { PgClient } from "@effect/sql-pg"
import {
  AnalyticsProvider,
  type ContactId,
  type ContactNotFound,
  type Cut,
  type CutNotFound,
  type DatabaseUnavailable,
  type Explanation,
  type IdentityDenied,
  type IdentityMerge,
  type IdentityMissing,
  type IdentitySplit,
  type IngestionWarning,
  type KeyAmbiguous,
  KeysDisagree,
  type LedgerEntry,
  type MergeImpossible,
  type MergeOutcome,
  type Page,
  type Properties,
  type Resolved as Whose,
  type SplitImpossible,
  type SplitOutcome
} from "@hogsend/core"
import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { assertedKeys, type ContactKeys } from "./assertedKeys.ts"
import { type Actor, AuditLogs } from "./AuditLogs.ts"
import { type Moved, oneRow, orUnavailable } from "./Database.ts"
import type { Changes } from "./IdentityResolver/applySteps.ts"
import { makeCountChanges } from "./IdentityResolver/countChanges.ts"
import { listensToMerges } from "./IdentityResolver/burnGuard.ts"
import { slotOf } from "./IdentityKey.ts"
import { makeGroupRepo } from "./IdentityResolver/GroupRepo.ts"
import { type ContactRow, makeIdentityRepo } from "./IdentityResolver/IdentityRepo.ts"
import type { IdentityLimits } from "./IdentityResolver/limits.ts"
import { makeLocking } from "./IdentityResolver/locking.ts"
import { makeTellStar } from "./IdentityResolver/makeTellStar.ts"
import { makeOperator } from "./IdentityResolver/operator/makeOperator.ts"
import { makeOperatorRepo } from "./IdentityResolver/operator/OperatorRepo.ts"
import { makeResolveAlone, type PersonErased } from "./IdentityResolver/resolveAlone.ts"
import {
  type GroupRequest,
  type GroupResolved,
  type GroupWork,
  makeResolveGroup,
  type TakenMeanwhile
} from "./IdentityResolver/resolveGroup.ts"
import { type Portrait, portraitOf } from "./IdentityResolver/contactEvents.ts"
import {
  type AssertedKey,
  type Assertion,
  type ContactKey,
  contactKeyAsSent,
  contactKeyOf,
  isIdentified,
  type KeyState
} from "./IdentityResolver/snapshot.ts"
import { OutboundMessages } from "./OutboundMessages.ts"

export type { Changes } from "./IdentityResolver/applySteps.ts"
export type { GroupStatement } from "./IdentityResolver/GroupRepo.ts"
export { type BeforeAndAfter, contactEvents, type Portrait } from "./IdentityResolver/contactEvents.ts"
export type { DatedRow } from "./IdentityResolver/IdentityRepo.ts"
export { publicContact } from "./IdentityResolver/publicContact.ts"
export { PersonErased } from "./IdentityResolver/resolveAlone.ts"
export { type GroupRequest, type GroupResolved, type InGroup, TakenMeanwhile } from "./IdentityResolver/resolveGroup.ts"
export {
  type AssertedKey,
  type Assertion,
  type ContactKey,
  contactKeyAsSent,
  contactKeyOf,
  type KeyState
} from "./IdentityResolver/snapshot.ts"

/** Whom a request turned out to be about, and what it changed. */
export interface Resolved extends ContactKey {
  /** The key that what was sent hangs on. */
  readonly keyId: string
  /** Null for a visitor who was only observed. */
  readonly contactId: string | null
  /** `updated` names the contact's properties that have another value now. */
  readonly changes: Changes & { readonly updated: ReadonlyArray<string> }
  readonly warnings: ReadonlyArray<IngestionWarning>
}

export interface Resolution extends Resolved {
  /** Locked, as it is after the change; null for a visitor who was only observed. */
  readonly contact: ContactRow | null
}

/** Whom keys belong to now, without a change. */
export interface Lookup extends ContactKey {
  readonly contactId: string | null
  readonly identified: boolean
  /** The kind that the key has in the store. */
  readonly kind: KeyState["kind"]
  readonly certified: boolean
}

/** A name that nobody is known by, or more than one. */
type Unnamed = ContactNotFound | KeyAmbiguous

/** What a request does besides resolving, in the same transaction. */
export interface Work<A, E1, E2> {
  /** When it happened, for the contact's first and last seen. */
  readonly occurredAt: Date
  /** Written to the contact after every merge: a shallow merge, `null` removes. */
  readonly properties?: Properties | undefined
  /** An IANA name; null removes it. */
  readonly timezone?: string | null | undefined
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
  readonly limits?: IdentityLimits
}

/** One person out of many identities: resolves keys to a contact; merges, splits and explains. */
export class IdentityResolver extends Context.Service<
  IdentityResolver,
  {
    /** Resolves the assertion and does the work, or nothing at all. */
    readonly resolve: <A, E1 = never, E2 = never>(
      assertion: Assertion,
      asker: Asker,
      work: Work<A, E1, E2>
    ) => Effect.Effect<A, Exclude<E1 | E2, SqlError> | IdentityDenied | PersonErased | DatabaseUnavailable>
    /**
     * Resolves those of a group that need no more than what is known of their keys, or a new contact, and does the work
     * for them, in one statement and so one transaction. The rules are those of `resolve`.
     */
    readonly resolveGroup: <R extends GroupRequest, E = never>(
      requests: ReadonlyArray<R>,
      work: GroupWork<R, E>
    ) => Effect.Effect<GroupResolved<R>, E | TakenMeanwhile | SqlError>
    /** Whose the named key is and what brought it there. A name is `kind:value`, or a value that can mean one thing. */
    readonly explain: (name: string) => Effect.Effect<Explanation, Unnamed | DatabaseUnavailable>
    /** By an operator's word; the only way in which two external ids come together. */
    readonly merge: (
      names: typeof IdentityMerge.Type,
      actor: Actor
    ) => Effect.Effect<MergeOutcome, Unnamed | MergeImpossible | DatabaseUnavailable>
    /** Keys leave to a contact of their own, which no request joins again until the cut is lifted. */
    readonly split: (
      names: typeof IdentitySplit.Type,
      actor: Actor
    ) => Effect.Effect<SplitOutcome, Unnamed | SplitImpossible | DatabaseUnavailable>
    /** Newest first. */
    readonly cuts: (
      page: Page
    ) => Effect.Effect<{ readonly cuts: ReadonlyArray<Cut>; readonly total: number }, DatabaseUnavailable>
    readonly liftCut: (id: string, actor: Actor) => Effect.Effect<void, CutNotFound | DatabaseUnavailable>
    /** Newest first. `contact` is a name; whom it absorbed is looked for as well. */
    readonly ledger: (
      page: Page,
      filter: { readonly contact?: string | undefined; readonly action?: string | undefined }
    ) => Effect.Effect<
      { readonly entries: ReadonlyArray<LedgerEntry>; readonly total: number },
      Unnamed | DatabaseUnavailable
    >
    /** The contact as the outside world is told of it (`contactEvents`). Part of a transaction that has it locked. */
    readonly portray: (contactId: string) => Effect.Effect<Portrait, SqlError>
    /**
     * What the analytics provider has not been told of the contact's keys, for who brings keys back by other ways than the
     * above. Part of a transaction that has the contact locked.
     */
    readonly tellMerges: (contactId: string) => Effect.Effect<void, SqlError | Moved>
    /** Whose this key is now, or null when nobody ever sent it. */
    readonly lookup: (key: AssertedKey) => Effect.Effect<Lookup | null, DatabaseUnavailable>
    /** Whose the keys are now that somebody is named by; a key that nobody can have is left out. */
    readonly whose: (keys: ContactKeys) => Effect.Effect<Whose, IdentityMissing | KeysDisagree | DatabaseUnavailable>
  }
>()("engine/IdentityResolver") {
  static readonly layer = (options: IdentityResolverOptions = {}) =>
    Layer.effect(
      IdentityResolver,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = yield* makeIdentityRepo
        const operatorRepo = yield* makeOperatorRepo
        const audit = yield* AuditLogs
        const outbound = yield* OutboundMessages
        const locking = makeLocking(sql, repo)
        const serverOnly = new Set(options.serverOnlyProperties ?? [])
        const limits = options.limits ?? {}
        const count = yield* makeCountChanges
        const provider = yield* AnalyticsProvider
        const listens = () => listensToMerges(provider)

        const onChanges = count.changes
        const resolveAlone = makeResolveAlone({ sql, repo, outbound, locking, limits, listens, serverOnly, onChanges })
        const resolve = <A, E1 = never, E2 = never>(assertion: Assertion, asker: Asker, work: Work<A, E1, E2>) =>
          locking.untilStill(resolveAlone(assertion, asker, work)).pipe(
            orUnavailable,
            Effect.tapErrorTag("IdentityDenied", () => Effect.sync(count.denied)),
            Effect.withSpan("IdentityResolver.resolve")
          )

        const lookup = Effect.fn("IdentityResolver.lookup")(function* (key: AssertedKey) {
          const keys = yield* repo.findKeyAndSiblings(key)
          const row = keys.find(({ kind, value }) => slotOf(kind, value) === slotOf(key.kind, key.value))
          if (row === undefined) return null
          const { certified, contactId, kind, value } = row
          if (contactId === null) {
            return {
              ...contactKeyAsSent([{ kind: kind === "email" ? kind : "anonymous", value }]),
              contactId,
              identified: false,
              kind,
              certified
            }
          }
          const state = { id: contactId, keys }
          return { ...contactKeyOf(state), contactId, identified: isIdentified(state), kind, certified }
        }, orUnavailable)

        const whose = Effect.fn("IdentityResolver.whose")(function* (keys: ContactKeys) {
          const asserted = yield* Effect.fromResult(assertedKeys(keys))
          const found = yield* Effect.forEach(asserted, lookup)
          const [owner, ...others] = found.filter((one) => one !== null && one.contactId !== null)
          if (others.some((other) => other?.contactId !== owner?.contactId)) return yield* ofTwo
          if (owner === undefined || owner === null) return { ...contactKeyAsSent(asserted), contactId: null }
          const { contactId, contactKey, contactKeyKind, safeToIdentify } = owner
          return { contactKey, contactKeyKind, safeToIdentify, contactId: contactId as ContactId | null }
        })

        const portray = Effect.fnUntraced(function* (contactId: string) {
          const row = yield* Effect.flatMap(repo.lockContacts([contactId]), oneRow)
          return portraitOf(row, yield* repo.findKeysOf([contactId]))
        })

        const tellStar = makeTellStar({ repo, outbound, listens })

        const tellMerges = Effect.fnUntraced(function* (id: string) {
          yield* tellStar({ id, firstSeenAt: 0, keys: yield* repo.findKeysOf([id]) })
        })

        const operator = makeOperator(audit, {
          ...locking,
          repo,
          operatorRepo,
          outbound,
          serverOnly,
          listens,
          tellStar
        })
        const resolveGroup = makeResolveGroup(yield* makeGroupRepo(repo), {
          limits,
          listens,
          serverOnly,
          onChanges
        })
        return IdentityResolver.of({ resolve, resolveGroup, portray, tellMerges, lookup, whose, ...operator })
      })
    )
}

const ofTwo = new KeysDisagree({
  error:
    "These keys belong to two contacts. Ask for each of them alone; an event with both joins the two, if nothing forbids it."
})
