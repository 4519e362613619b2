/**
 * Resolves a group of requests in one transaction, as far as that needs no locks but of the contacts that they write to.
 *
 * It takes the steps of `locking.ts` and `applySteps.ts` for many at once and in the same order: contacts by id, idempotency
 * rows, keys, the rest. Who cannot be resolved together with the others is named in the answer and has changed nothing.
 * When somebody else was faster with a key, all of it is undone by `TakenMeanwhile`, and whoever names such a key goes alone.
 */
import { Clock, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { slotOf } from "../IdentityKey.ts"
import { newId } from "../newId.ts"
import { changesOf, newContact, noteOfNew, stepsOf } from "./applySteps.ts"
import { untoldAliases } from "./burnGuard.ts"
import { type Candidate, classifyGroup, indexKnowledge, type Knowledge, namesOf } from "./classifyGroup.ts"
import type { ResolvedDecision } from "./decide.ts"
import { type ContactRow, type makeIdentityRepo, type NewKey, signedBy } from "./IdentityRepo.ts"
import type { IdentityLimits } from "./limits.ts"
import { anonymousContactKey, type Assertion, type ContactKey, contactKeyOf } from "./snapshot.ts"
import { mayUpdate, noUpdate, type PersonPatch, updateContact, type Writer } from "./updateContact.ts"
import type { Asker, Resolved } from "../IdentityResolver.ts"

/** One request of a group. */
export interface GroupRequest extends PersonPatch {
  readonly assertion: Assertion
  readonly asker: Asker
}

export interface InGroup<R> {
  readonly request: R
  readonly resolution: Resolved
}

/** Who is about to be resolved, and as whom; null when nobody has ever sent its keys. */
export interface Claimant<R> {
  readonly request: R
  readonly known: ContactKey | null
}

/** What the group does besides resolving, in the same transaction. */
export interface GroupWork<R, E> {
  /**
   * After the contacts are locked and before any key is claimed: the place of idempotency rows. Answers who goes on; the
   * others change nothing, and are the caller's to answer.
   */
  readonly claim: (requests: ReadonlyArray<Claimant<R>>) => Effect.Effect<ReadonlySet<R>, E | SqlError>
  readonly write: (resolved: ReadonlyArray<InGroup<R>>) => Effect.Effect<void, E | SqlError>
}

export interface GroupResolved<R> {
  readonly resolved: ReadonlyArray<InGroup<R>>
  /** Those that need a transaction of their own. Who is in neither comes after one of this group. */
  readonly alone: ReadonlyArray<R>
}

/** Somebody else was faster with these keys, or they moved, or they were an erased person's: by `slotOf`. */
export class TakenMeanwhile extends Schema.TaggedError<TakenMeanwhile>()("TakenMeanwhile", {
  slots: Schema.Array(Schema.String)
}) {}

type Repo = Effect.Success<typeof makeIdentityRepo>

interface Rules {
  readonly limits: IdentityLimits
  readonly serverOnly: ReadonlySet<string>
}

export const makeResolveGroup = (repo: Repo, { limits, serverOnly }: Rules) =>
  Effect.fnUntraced(function* <R extends GroupRequest, E>(requests: ReadonlyArray<R>, work: GroupWork<R, E>) {
    const circumstances = { mint: newId, limits, now: (yield* Clock.currentTimeMillis) * 1000 }
    const knowledge = yield* look(repo, requests)
    const { alone, together } = classifyGroup(requests, knowledge, circumstances)
    const writing = together.filter((candidate) => isWriting(candidate, knowledge))
    const rows = yield* lockRows(repo, writing)
    const under = yield* lookAgain(repo, writing, rows, circumstances)
    const candidates = together.map((candidate) => under.get(candidate.request) ?? candidate)

    const goOn = yield* work.claim(
      candidates.map(({ decision, fresh, request }) => ({
        request,
        known: fresh ? null : keyOf(decision, request.assertion)
      }))
    )
    const kept = candidates.filter(({ request }) => goOn.has(request))
    yield* claimNew(repo, kept)
    const resolved = yield* writeContacts(repo, kept, rows, serverOnly)
    yield* holdKeys(repo, kept, rows)
    yield* work.write(resolved)
    return { resolved, alone } satisfies GroupResolved<R>
  })

const look = (repo: Repo, requests: ReadonlyArray<GroupRequest>) =>
  Effect.map(repo.findKeysAndSiblings(namesOf(requests)), indexKnowledge)

/** Whether the contact is there and its row may change. */
const isWriting = ({ decision, fresh, request }: Candidate<GroupRequest>, { contacts }: Knowledge): boolean => {
  const contact = fresh || decision.contact === null ? undefined : contacts.get(decision.contact.id)
  return (
    contact !== undefined &&
    mayUpdate(request, { firstMs: contact.firstSeenAt / 1000, lastMs: contact.lastSeenAt / 1000 })
  )
}

const lockRows = Effect.fnUntraced(function* (repo: Repo, writing: ReadonlyArray<Candidate<GroupRequest>>) {
  const ids = [...new Set(writing.flatMap(({ decision }) => decision.contact?.id ?? []))]
  // A group waits for nobody: who writes to a contact that somebody else holds does so alone.
  const rows = ids.length === 0 ? [] : yield* repo.lockFreeContacts(ids)
  return new Map(rows.map((row): [string, ContactRow] => [row.id, row]))
})

/** What was read before the lock is read again under it. */
const lookAgain = Effect.fnUntraced(function* <R extends GroupRequest>(
  repo: Repo,
  writing: ReadonlyArray<Candidate<R>>,
  rows: ReadonlyMap<string, ContactRow>,
  circumstances: Parameters<typeof classifyGroup>[2]
) {
  const requests = writing.map(({ request }) => request)
  const knowledge = requests.length === 0 ? nothingKnown : yield* look(repo, requests)
  const { alone, later, together } = classifyGroup(
    requests,
    knowledge,
    circumstances,
    ({ decision, fresh }) => !fresh && decision.contact !== null && rows.has(decision.contact.id)
  )
  const moved = [...alone, ...later]
  if (moved.length > 0) return yield* new TakenMeanwhile({ slots: slotsOf(moved) })
  return new Map(together.map((candidate) => [candidate.request, candidate]))
})

const nothingKnown: Knowledge = { keys: new Map(), contacts: new Map() }

/** The keys that nobody has sent before become the requests', all of them or none. */
const claimNew = Effect.fnUntraced(function* (repo: Repo, kept: ReadonlyArray<Candidate<GroupRequest>>) {
  const claims = kept.flatMap(({ decision, request }) =>
    stepsOf(decision.steps, "ClaimKey").map((step): NewKey => ({
      ...step,
      assertedBy: request.assertion.vouchedBy,
      occurredAt: request.occurredAt
    }))
  )
  if (claims.length === 0) return
  const won = new Set((yield* repo.claimKeys(claims)).map(({ id }) => id))
  const lost = claims.filter(({ keyId }) => !won.has(keyId)).map(({ kind, value }) => slotOf(kind, value))
  if (lost.length > 0) return yield* new TakenMeanwhile({ slots: lost })
  // Looked up after the strings are ours: whoever had them may have been erased a moment ago.
  const erased = yield* repo.findErased(claims.filter(({ kind }) => kind !== "contact"))
  if (erased.size > 0) return yield* new TakenMeanwhile({ slots: [...erased.keys()] })
})

/** Each contact is written once, whatever many requests say of it, in their order. */
const writeContacts = Effect.fnUntraced(function* <R extends GroupRequest>(
  repo: Repo,
  kept: ReadonlyArray<Candidate<R>>,
  locked: ReadonlyMap<string, ContactRow>,
  serverOnly: ReadonlySet<string>
) {
  const rows = new Map(locked)
  const changed = new Set<string>()
  const resolved = kept.map(({ decision, fresh, request }): InGroup<R> => {
    const { contact } = decision
    const row =
      contact === null ? undefined : (rows.get(contact.id) ?? (fresh ? newContact(contact.id, request) : undefined))
    const update =
      row === undefined ? noUpdate : updateContact(row, request, writerOf(request.assertion, decision), serverOnly)
    if (update.changed !== undefined) changed.add(update.changed.id)
    if (row !== undefined) rows.set(row.id, update.changed ?? row)
    return {
      request,
      resolution: {
        ...keyOf(decision, request.assertion),
        keyId: decision.keyId,
        contactId: contact?.id ?? null,
        changes: { ...changesOf(decision.steps), updated: update.updated },
        untold: contact === null ? [] : untoldAliases(contact),
        warnings: update.warnings
      }
    }
  })
  const made = kept.flatMap(({ decision, fresh }) => (fresh && decision.contact !== null ? [decision.contact.id] : []))
  if (made.length > 0) yield* repo.insertContacts(made.flatMap((id) => rows.get(id) ?? []))
  const saved = [...locked.keys()].filter((id) => changed.has(id))
  if (saved.length > 0) yield* repo.saveContacts(saved.flatMap((id) => rows.get(id) ?? []))
  const notes = kept.flatMap(({ decision, request: { asker, assertion } }) =>
    decision.steps.flatMap((step) => {
      const note = step._tag === "CreateContact" || step._tag === "ClaimKey" ? noteOfNew(step) : undefined
      return note === undefined ? [] : [signedBy(assertion.vouchedBy, asker.actor)(note)]
    })
  )
  if (notes.length > 0) yield* repo.insertLedger(notes)
  return resolved
})

/** A contact that is not locked can be erased meanwhile, and nothing may be left that hangs on its keys. */
const holdKeys = Effect.fnUntraced(function* (
  repo: Repo,
  kept: ReadonlyArray<Candidate<GroupRequest>>,
  locked: ReadonlyMap<string, ContactRow>
) {
  const free = kept.filter(({ decision, fresh }) => !fresh && !locked.has(decision.contact?.id ?? ""))
  const ids = new Set(free.map(({ decision }) => decision.keyId))
  if (ids.size === 0) return
  const held = new Set((yield* repo.holdKeys([...ids])).map(({ id }) => id))
  if (held.size === ids.size) return
  const gone = free.filter(({ decision }) => !held.has(decision.keyId)).map(({ request }) => request)
  return yield* new TakenMeanwhile({ slots: slotsOf(gone) })
})

const slotsOf = (requests: ReadonlyArray<GroupRequest>) =>
  namesOf(requests).map(({ kind, value }) => slotOf(kind, value))

const keyOf = ({ contact }: ResolvedDecision, { keys }: Assertion): ContactKey =>
  contact === null ? anonymousContactKey(keys[0]?.value ?? "") : contactKeyOf(contact)

/** A browser without a token writes to its own anonymous contact, under its key; to an identified one it does not. */
export const writerOf = (
  { vouchedBy }: Assertion,
  { keyId, wasIdentified }: Pick<ResolvedDecision, "keyId" | "wasIdentified">
): Writer | undefined => {
  if (vouchedBy === "server" || vouchedBy === "user") return { trusted: true, server: vouchedBy === "server" }
  return wasIdentified ? undefined : { trusted: false, keyId }
}
