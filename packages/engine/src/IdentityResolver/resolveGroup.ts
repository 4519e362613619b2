/**
 * Resolves a group of requests in one transaction, as far as that needs no locks but of the contacts that they write to.
 *
 * It takes the steps of `locking.ts` and `applySteps.ts` for many at once: it locks the contacts that are written to, reads
 * again, and writes everything in one statement, together with what its caller writes. Who cannot be resolved with the
 * others is named in the answer and has changed nothing. It waits for nobody's contact: when somebody else holds one, or was
 * faster with a key, all of it is undone by `TakenMeanwhile`, and whoever names such a key goes alone.
 */
import { Clock, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import { slotOf } from "../IdentityKey.ts"
import { newId } from "../newId.ts"
import { changesOf, newContact, noteOfNew } from "./applySteps.ts"
import { untoldAliases } from "./burnGuard.ts"
import { type Candidate, classifyGroup, indexKnowledge, type Knowledge, namesOf } from "./classifyGroup.ts"
import type { ResolvedDecision } from "./decide.ts"
import { type ContactRow, type makeIdentityRepo, type NewKey, signedBy, type SignedNote } from "./IdentityRepo.ts"
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
  /** Nobody has sent its keys before. */
  readonly fresh: boolean
  /** Its key was not read under a lock: what hangs on it is written if the key is among those `held`. */
  readonly loose: boolean
}

/** What the group does besides resolving, in the same transaction. */
export interface GroupWork<R, E> {
  /**
   * Writes what the group is about in one statement with `parts`, which change contacts and keys (`IdentityRepo.groupParts`).
   * Answers the ids of the new keys that were won, and for whom nothing was written.
   */
  readonly write: (
    resolved: ReadonlyArray<InGroup<R>>,
    parts: Fragment
  ) => Effect.Effect<{ readonly newKeys: ReadonlySet<string>; readonly left: ReadonlySet<R> }, E | SqlError>
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

    if (candidates.length === 0) return { resolved: [], alone } satisfies GroupResolved<R>
    const { changes, resolved } = foldGroup(candidates, { rows, settled: under, serverOnly })
    const { left, newKeys } = yield* work.write(resolved, repo.groupParts(changes))
    // Whoever changes something is written with it, or not at all.
    const bound = resolved.filter(({ fresh, loose, request }) => (fresh || !loose) && left.has(request))
    const lost = changes.claims.filter(({ keyId }) => !newKeys.has(keyId))
    if (bound.length + lost.length > 0) {
      const slots = slotsOf(bound.map(({ request }) => request))
      return yield* new TakenMeanwhile({ slots: [...slots, ...lost.map(({ kind, value }) => slotOf(kind, value))] })
    }
    yield* noneErased(repo, changes.claims)
    return { resolved: resolved.filter(({ request }) => !left.has(request)), alone } satisfies GroupResolved<R>
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

/** Looked up after the strings are ours: whoever had them may have been erased a moment ago. */
const noneErased = Effect.fnUntraced(function* (repo: Repo, claims: ReadonlyArray<NewKey>) {
  if (claims.length === 0) return
  const erased = yield* repo.findErased(claims.filter(({ kind }) => kind !== "contact"))
  if (erased.size > 0) return yield* new TakenMeanwhile({ slots: [...erased.keys()] })
})

const noChanges = changesOf([])

/** What the group changes. Each contact is written once, whatever many requests say of it, in their order. */
const foldGroup = <R extends GroupRequest>(
  candidates: ReadonlyArray<Candidate<R>>,
  {
    rows: locked,
    serverOnly,
    settled
  }: {
    readonly rows: ReadonlyMap<string, ContactRow>
    /** Whose keys were read under their contact's lock. */
    readonly settled: { readonly has: (request: R) => boolean }
    readonly serverOnly: ReadonlySet<string>
  }
) => {
  const rows = new Map(locked)
  const [changed, held] = [new Set<string>(), new Set<string>()]
  const claims: Array<NewKey> = []
  const notes: Array<SignedNote> = []
  const resolved = candidates.map(({ decision, fresh, request }): InGroup<R> => {
    const { asker, assertion, occurredAt } = request
    const { contact, keyId, steps } = decision
    const loose = !fresh && !settled.has(request)
    if (loose) held.add(keyId)
    if (fresh) {
      const signed = signedBy(assertion.vouchedBy, asker.actor)
      for (const step of steps) {
        if (step._tag === "ClaimKey") claims.push({ ...step, assertedBy: assertion.vouchedBy, occurredAt })
        const note = step._tag === "CreateContact" || step._tag === "ClaimKey" ? noteOfNew(step) : undefined
        if (note !== undefined) notes.push(signed(note))
      }
      if (contact !== null) {
        changed.add(contact.id)
        rows.set(contact.id, newContact(contact.id, request))
      }
    }
    const row = contact === null || loose ? undefined : rows.get(contact.id)
    const update = row === undefined ? noUpdate : updateContact(row, request, writerOf(assertion, decision), serverOnly)
    if (update.changed !== undefined) {
      rows.set(update.changed.id, update.changed)
      changed.add(update.changed.id)
    }
    const resolution = {
      ...keyOf(decision, assertion),
      keyId,
      contactId: contact?.id ?? null,
      changes: { ...(fresh ? changesOf(steps) : noChanges), updated: update.updated },
      // Whoever is known was told of when their keys came together.
      untold: fresh && contact !== null ? untoldAliases(contact) : [],
      warnings: update.warnings
    }
    return { request, resolution, fresh, loose }
  })
  const contacts = [...changed].flatMap((id) => rows.get(id) ?? [])
  return { resolved, changes: { claims, notes, contacts, held: [...held] } }
}

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
