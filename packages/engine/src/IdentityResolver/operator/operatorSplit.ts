/**
 * An operator's split: keys leave a contact, with the history that hangs on them, and a cut keeps the two apart.
 *
 * What leaves as whom is `planSplit`'s to say; here it is done, under the lock of the contact and of everybody whom it
 * absorbed. A dry run does everything but the change.
 */
import { SplitImpossible } from "@hogsend/core"
import { Effect } from "effect"
import type { Actor } from "../../AuditLogs.ts"
import { visibleProperties } from "../../contactProperties.ts"
import { newId } from "../../newId.ts"
import { inNeedAgain } from "../burnGuard.ts"
import { contactEvents, portraitOf, savedAt } from "../contactEvents.ts"
import { type ContactRow, type Note, signedBy } from "../IdentityRepo.ts"
import { nameOf } from "./keyName.ts"
import { Moved } from "../../Database.ts"
import type { OperatorParts } from "./operatorMerge.ts"
import { findNamed } from "./operatorNames.ts"
import type { LineRow } from "./OperatorRepo.ts"
import { planSplit, type SplitPlan, withBrought } from "./planSplit.ts"
import { type ContactState, externalOf, type KeyState, summaryOf } from "../snapshot.ts"

/** One attempt, in a transaction. */
export const operatorSplit = Effect.fnUntraced(function* (
  parts: OperatorParts,
  names: { readonly contact: string; readonly keys: ReadonlyArray<string> },
  dryRun: boolean,
  actor: Actor
) {
  const { operatorRepo, repo } = parts
  const contactId = (yield* findNamed(repo, names.contact)).contactId
  const named = yield* Effect.forEach(new Set(names.keys), (name) => findNamed(repo, name))
  if (contactId === null) return yield* impossible("Only a contact can be split, and this is a visitor.", [])
  const locked = yield* operatorRepo.lockLine(contactId)
  // Who leaves is cut from them too, so none of them may be merged away meanwhile.
  const apart = new Set((yield* operatorRepo.cutFrom(contactId)).map(({ id }) => id))
  const living = new Set(locked.flatMap(({ id, mergedInto }) => (mergedInto === null ? [id] : [])))
  if ([...apart].some((id) => !living.has(id))) return yield* new Moved()
  const line = locked.filter(({ id }) => !apart.has(id))
  // Somebody may have been merged into the contact while we waited for its lock; now nobody can.
  const now = yield* operatorRepo.lineOf(contactId)
  if (now.length !== line.length || !now.every((id) => line.some((one) => one.id === id))) return yield* new Moved()
  const row = line.find(({ id }) => id === contactId)
  const { contacts, now: micros } = yield* repo.snapshot([], row === undefined ? [] : [row])
  const contact = contacts.get(contactId)
  if (row === undefined || row.mergedInto !== null || contact === undefined) return yield* new Moved()
  const others = line.filter(({ id }) => id !== contactId)
  const story = {
    chapters: yield* operatorRepo.storyOf(line.map(({ id }) => id)),
    holders: new Map(others.flatMap(({ id, mergedInto }) => (mergedInto === null ? [] : [[id, mergedInto] as const])))
  }
  const asked = withBrought(yield* stillTheirs(named, contact), contact, story)
  yield* check(contact, asked)
  const plan = planSplit(contact, row, asked, story)
  const splitOffId = plan.restoredId ?? newId()
  const [staying, leaving] = sidesOf(contact, plan, splitOffId)
  const outcome = {
    dryRun,
    contact: summaryOf(staying),
    splitOff: { ...summaryOf(leaving), restored: plan.restoredId !== undefined },
    keys: plan.leaving.map(({ kind, value }) => ({ kind, value })),
    properties: { contact: visibleProperties(plan.staying), splitOff: visibleProperties(plan.splitOff) },
    events: yield* operatorRepo.countEvents(plan.leaving.map(({ id }) => id)),
    notRestored: plan.notRestored,
    providerMerged: plan.providerMerged.map(({ kind, value }) => ({ kind, value }))
  }
  if (dryRun) return { ...outcome, cutId: null }
  const work = { row, plan, splitOffId, others }
  const cutId = yield* carryOut(parts, work, actor)
  const [stayed, left] = savedRows(work, new Date(micros / 1000))
  const before = [portraitOf(row, contact.keys)]
  const after = [portraitOf(stayed, staying.keys), portraitOf(left, leaving.keys)]
  yield* parts.outbound.part(
    line.map(({ id }) => id),
    { to: splitOffId, distinctIds: plan.leaving.filter(({ kind }) => kind !== "email").map(({ value }) => value) }
  )
  yield* parts.outbound.tell(contactEvents({ before, after }))
  for (const side of [staying, leaving]) {
    const again = inNeedAgain(side)
    if (again.length > 0) yield* repo.unmarkTold(again)
    yield* parts.tellStar(side)
  }
  return { ...outcome, cutId }
})

/** The keys as they are under the lock; one that is another string by now, or somebody else's, is looked for again. */
const stillTheirs = (named: ReadonlyArray<KeyState>, contact: ContactState) =>
  Effect.forEach(named, (key) => {
    if (key.contactId !== contact.id) return Effect.succeed(key)
    const now = contact.keys.find(({ id }) => id === key.id)
    return now?.kind === key.kind && now.value === key.value ? Effect.succeed(now) : Effect.fail(new Moved())
  })

const check = (contact: ContactState, asked: ReadonlyArray<KeyState>) => {
  const foreign = asked.filter(({ contactId }) => contactId !== contact.id)
  if (foreign.length > 0) return impossible("These keys are not the contact's.", foreign)
  const own = asked.filter(({ kind, value }) => kind === "contact" && value === contact.id)
  if (own.length > 0) return impossible("A contact's own id stays with it. Name the keys that are to leave.", own)
  const staying = contact.keys.filter(
    ({ id, kind }) => kind !== "contact" && kind !== "history" && !asked.some((key) => key.id === id)
  )
  return staying.length > 0
    ? Effect.void
    : impossible("Nothing would be left of the contact. Name only the keys that are to leave.", asked)
}

const impossible = (error: string, keys: ReadonlyArray<KeyState>) =>
  new SplitImpossible({ error: `${error} Nothing was changed.`, keys: keys.map(nameOf) })

/** Both contacts as they will be. */
const sidesOf = (contact: ContactState, { leaving }: SplitPlan, splitOffId: string) => {
  const left = new Set(leaving.map(({ id }) => id))
  const splitOff: ContactState = { id: splitOffId, firstSeenAt: contact.firstSeenAt, keys: leaving }
  return [{ ...contact, keys: contact.keys.filter(({ id }) => !left.has(id)) }, splitOff] as const
}

/** Their rows, as the database has them at the end. */
const savedRows = ({ others, plan, row, splitOffId }: Work, now: Date) => {
  const restored = others.find(({ id }) => id === splitOffId)
  return [savedAt(now, plan.staying, row), savedAt(now, { ...plan.splitOff, id: splitOffId }, restored)] as const
}

interface Work {
  readonly row: LineRow
  readonly plan: SplitPlan
  readonly splitOffId: string
  /** Everybody whom the contact absorbed. */
  readonly others: ReadonlyArray<LineRow>
}

/** Answers the id of the cut. */
const carryOut = Effect.fnUntraced(function* (
  { operatorRepo, repo }: OperatorParts,
  { others, plan, row, splitOffId }: Work,
  actor: Actor
) {
  const keyIds = plan.leaving.map(({ id }) => id)
  const splitOff: ContactRow = { ...plan.splitOff, id: splitOffId }
  const by = { assertedBy: "operator" as const, occurredAt: splitOff.firstSeenAt }
  if (plan.restoredId === undefined) {
    yield* repo.saveContacts([splitOff])
    const keyId = newId()
    const ownId = { keyId, kind: "contact" as const, value: splitOffId, contactId: splitOffId }
    // As of everybody who has an external id from the first moment on (`starOf`).
    const toldTo = externalOf({ keys: plan.leaving }) === undefined ? null : keyId
    yield* repo.claimKeys([{ ...ownId, ...by, certified: false, preferred: false, notBefore: null, toldTo }])
  } else {
    yield* operatorRepo.restoreContact(plan.restoredId)
  }
  // The contact is locked, so its keys cannot have moved; an erasure takes them with it.
  if ((yield* operatorRepo.moveKeys(keyIds, row.id, splitOffId)).length < keyIds.length) return yield* new Moved()
  yield* repo.saveContacts([splitOff, plan.staying])
  yield* reattach(operatorRepo, others, { row, plan, splitOffId })

  yield* operatorRepo.copyCuts(row.id, splitOffId)
  const cutId = yield* operatorRepo.insertCut(row.id, splitOffId, actor)
  const about = { rule: "operator", contactId: row.id, otherContactId: splitOffId }
  const made: ReadonlyArray<Note> =
    plan.restoredId === undefined ? [{ action: "created", rule: "operator", contactId: splitOffId }] : []
  const parted: ReadonlyArray<Note> = [
    { action: "split", ...about, before: { contact: row, keyIds }, after: { contact: plan.staying, splitOff } },
    { action: "cut", ...about }
  ]
  yield* repo.insertLedger([...made, ...parted].map(signedBy("operator", actor)))
  return cutId
})

/** Absorbed contacts belong to whoever has their id now. */
const reattach = Effect.fnUntraced(function* (
  operatorRepo: OperatorParts["operatorRepo"],
  others: ReadonlyArray<LineRow>,
  { plan, row, splitOffId }: Pick<Work, "plan" | "row" | "splitOffId">
) {
  const left = new Set(plan.leaving.flatMap(({ kind, value }) => (kind === "contact" ? [value] : [])))
  const moved = others.filter(({ id, mergedInto }) => left.has(id) && id !== splitOffId && !left.has(mergedInto ?? ""))
  const stayed = others.filter(({ id, mergedInto }) => !left.has(id) && left.has(mergedInto ?? ""))
  yield* operatorRepo.setMergedInto(
    moved.map(({ id }) => id),
    splitOffId
  )
  yield* operatorRepo.setMergedInto(
    stayed.map(({ id }) => id),
    row.id
  )
})
