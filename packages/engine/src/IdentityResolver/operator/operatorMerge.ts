/**
 * An operator's merge: the only way in which two external ids come to one contact.
 *
 * The same locks and the same steps as every merge. A dry run does everything but the change, under the same locks, so that
 * what it says is what would happen.
 */
import { MergeImpossible } from "@hogsend/core"
import { Effect } from "effect"
import type { Actor } from "../../AuditLogs.ts"
import { visibleProperties } from "../../contactProperties.ts"
import { applySteps, fold } from "../applySteps.ts"
import { starOf } from "../burnGuard.ts"
import { type makeIdentityRepo, signedBy } from "../IdentityRepo.ts"
import type { makeLocking } from "../locking.ts"
import type { makeTellStar } from "../makeTellStar.ts"
import type { OutboundMessages } from "../../OutboundMessages.ts"
import { contactEvents, portraitOf, savedAt } from "../contactEvents.ts"
import { findNamed, stillNamed } from "./operatorNames.ts"
import type { makeOperatorRepo } from "./OperatorRepo.ts"
import { type ContactState, currentEmailOf, externalOf, isIdentified, type KeyState, summaryOf } from "../snapshot.ts"
import type { Step } from "../Step.ts"

const sameContact = new MergeImpossible({ error: "These two are one contact already. Nothing was changed." })

const noSurvivor = new MergeImpossible({
  error: "The survivor is a visitor who was only observed, and no contact yet. Name the contact as the survivor."
})

/** What an operator's changes are made with. */
export interface OperatorParts extends ReturnType<typeof makeLocking> {
  readonly repo: Effect.Success<typeof makeIdentityRepo>
  readonly outbound: OutboundMessages["Service"]
  readonly operatorRepo: Effect.Success<typeof makeOperatorRepo>
  readonly serverOnly: ReadonlySet<string>
  /** Whether an analytics provider listens, at this moment. */
  readonly listens: () => boolean
  readonly tellStar: ReturnType<typeof makeTellStar>
}

/** One attempt, in a transaction. */
export const operatorMerge = Effect.fnUntraced(function* (
  { listens, lockedSnapshot, operatorRepo, outbound, repo, serverOnly }: OperatorParts,
  names: { readonly survivor: string; readonly absorbed: string },
  dryRun: boolean,
  actor: Actor
) {
  const named = { survivor: yield* findNamed(repo, names.survivor), absorbed: yield* findNamed(repo, names.absorbed) }
  const { contacts, snapshot } = yield* lockedSnapshot([named.survivor, named.absorbed])
  const key = yield* stillNamed(snapshot, named.absorbed)
  const survivor = snapshot.contacts.get((yield* stillNamed(snapshot, named.survivor)).contactId ?? "")
  const absorbed = snapshot.contacts.get(key.contactId ?? "")
  if (survivor === undefined) return yield* noSurvivor
  if (survivor.id === absorbed?.id) return yield* sameContact

  const rows = new Map(contacts.map((row) => [row.id, row]))
  const [survivorRow, absorbedRow] = [rows.get(survivor.id), rows.get(absorbed?.id ?? "")]
  if (survivorRow === undefined) return yield* Effect.die(new Error("A merge of a contact that is not locked"))
  const comingKeys = absorbed?.keys ?? [key]
  const merged = merge(survivor, comingKeys)
  const star = starOf(merged, { isNew: false, listens: listens() })
  const context = {
    contacts,
    identified: new Set([...snapshot.contacts.values()].filter(isIdentified).map(({ id }) => id)),
    assertedBy: "operator" as const,
    asker: { actor, source: "operator" },
    occurredAt: new Date(snapshot.now / 1000),
    serverOnly,
    marks: star.marks
  }
  const outcome = {
    dryRun,
    contact: summaryOf(merged),
    absorbed: absorbed === undefined ? null : summaryOf(absorbed),
    keys: comingKeys.map(({ kind, value }) => ({ kind, value })),
    events: yield* operatorRepo.countEvents(comingKeys.map(({ id }) => id)),
    properties: visibleProperties(absorbedRow === undefined ? survivorRow : fold(survivorRow, absorbedRow, context)),
    residualTwin: twinOf(survivor, comingKeys)?.value ?? null
  }
  const liftedCuts = absorbed === undefined ? [] : yield* operatorRepo.cutsBetween(survivor.id, absorbed.id)
  const answer = { ...outcome, liftedCuts: liftedCuts.map(({ id }) => id) }
  if (dryRun) return answer

  for (const cut of liftedCuts) yield* operatorRepo.deleteCut(cut.id)
  const { changes, rows: now } = yield* applySteps(repo, stepsOf(survivor, absorbed, key), context)
  const joined = savedAt(context.occurredAt, now.get(survivor.id) ?? survivorRow, survivorRow)
  const events = contactEvents({
    before: contacts.map((row) => portraitOf(row, snapshot.contacts.get(row.id)?.keys ?? [])),
    after: [portraitOf(joined, merged.keys)],
    merged: changes.merged
  })
  yield* outbound.tell([...events, ...star.merges])
  // The provider would refuse to join two persons that it has identified, so it is not asked to.
  const twin = twinOf(survivor, comingKeys)
  if (twin !== undefined) {
    const about = { rule: "operator", contactId: survivor.id, keyId: twin.id }
    yield* repo.insertLedger([signedBy("operator", actor)({ action: "residual_twin", ...about })])
  }
  return answer
})

const stepsOf = (survivor: ContactState, absorbed: ContactState | undefined, key: KeyState): ReadonlyArray<Step> => {
  // What the survivor is known by, and where its mail goes, stays as it is.
  const preferred = [externalOf(survivor), currentEmailOf(survivor)].filter((one) => one !== undefined)
  return [
    absorbed === undefined
      ? { _tag: "LinkKey", keyId: key.id, contactId: survivor.id }
      : { _tag: "Merge", survivorId: survivor.id, absorbedId: absorbed.id },
    ...preferred.map(({ id }): Step => ({ _tag: "PreferKey", keyId: id, contactId: survivor.id }))
  ]
}

const merge = (survivor: ContactState, coming: ReadonlyArray<KeyState>): ContactState => {
  const [external, email] = [externalOf(survivor), currentEmailOf(survivor)]
  const own = survivor.keys.map((key) =>
    key.id === external?.id || key.id === email?.id ? { ...key, preferredAt: Infinity } : key
  )
  return { ...survivor, keys: [...own, ...coming.map((key) => ({ ...key, contactId: survivor.id }))] }
}

const twinOf = (survivor: ContactState, coming: ReadonlyArray<KeyState>): KeyState | undefined =>
  externalOf(survivor) === undefined ? undefined : externalOf({ keys: coming })
