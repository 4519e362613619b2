/** Takes the steps of a decision in SQL, inside of the caller's transaction, and writes the ledger of them. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Moved } from "../Database.ts"
import { slotOf } from "../IdentityKey.ts"
import { dropPublicOf, foldProperties } from "../contactProperties.ts"
import type { Actor } from "../AuditLogs.ts"
import type { AssertedBy } from "./snapshot.ts"
import type { Step } from "./Step.ts"
import { type ContactRow, type makeIdentityRepo, type Note, signedBy } from "./IdentityRepo.ts"

/** What a request changed, for whoever turns it into rows of the same transaction. */
export interface Changes {
  readonly created: ReadonlyArray<string>
  readonly linked: ReadonlyArray<{ readonly keyId: string; readonly contactId: string }>
  readonly promoted: ReadonlyArray<{ readonly keyId: string; readonly contactId: string }>
  readonly moved: ReadonlyArray<StepOf<"MoveEmail">>
  readonly merged: ReadonlyArray<{ readonly survivorId: string; readonly absorbedId: string }>
  readonly refused: ReadonlyArray<Extract<Step, { readonly _tag: "RefuseJoin" }>>
}

export interface StepContext {
  /** The contacts that are locked. */
  readonly contacts: ReadonlyArray<ContactRow>
  /** Those of them that were identified before. */
  readonly identified: ReadonlySet<string>
  readonly assertedBy: AssertedBy
  readonly asker: { readonly actor: Actor; readonly source: string }
  /** When the request happened: a new contact was first seen then. */
  readonly occurredAt: Date
  readonly serverOnly: ReadonlySet<string>
  /** What the keys are told to join from now on (`starOf`). */
  readonly marks: ReadonlyMap<string, string>
}

type Repo = Effect.Success<typeof makeIdentityRepo>

/** What the steps have changed so far. */
interface Progress {
  readonly rows: Map<string, ContactRow>
  /** Contacts that are identified, for the next merge of the same request. */
  readonly identified: Set<string>
}

type StepOf<Tag extends Step["_tag"]> = Extract<Step, { readonly _tag: Tag }>

export const stepsOf = <Tag extends Step["_tag"]>(steps: ReadonlyArray<Step>, tag: Tag) =>
  steps.filter((step): step is StepOf<Tag> => step._tag === tag)

export const applySteps = Effect.fn("IdentityResolver.applySteps")(function* (
  repo: Repo,
  steps: ReadonlyArray<Step>,
  context: StepContext
) {
  const rows = new Map(context.contacts.map((row) => [row.id, row]))
  const progress: Progress = { rows, identified: new Set(context.identified) }
  const changes = changesOf(steps)
  if (changes.created.length > 0) {
    const made = changes.created.map((id) => newContact(id, context))
    yield* repo.saveContacts(made)
    for (const row of made) rows.set(row.id, row)
  }
  const claims = stepsOf(steps, "ClaimKey")
  if (claims.length > 0) {
    const placing = placingOf(context)
    const toldTo = (keyId: string) => context.marks.get(keyId) ?? null
    const won = yield* repo.claimKeys(claims.map((claim) => ({ ...claim, ...placing, toldTo: toldTo(claim.keyId) })))
    if (won.length < claims.length) return yield* new Moved()
    // Somebody may have come and been erased since the decision; now the string is ours.
    const erased = yield* repo.findErased(claims)
    const isNews = claims.some(({ kind, notBefore, value }) => (erased.get(slotOf(kind, value)) ?? null) !== notBefore)
    if (isNews) return yield* new Moved()
  }
  const notes = (yield* Effect.forEach(steps, (step) => apply(repo, step, progress, context))).filter(
    (note) => note !== undefined
  )
  if (notes.length > 0) {
    yield* repo.insertLedger(notes.map(signedBy(context.assertedBy, context.asker.actor)))
  }
  const claimed = new Set(claims.map(({ keyId }) => keyId))
  yield* markTold(
    repo,
    [...context.marks].filter(([keyId]) => !claimed.has(keyId))
  )
  const regrouped = new Set(steps.flatMap(whoseKeysChange))
  const there = context.contacts.flatMap(({ id }) => (regrouped.has(id) ? [id] : []))
  if (there.length > 0) yield* repo.touchContacts(there)
  // Another row than the one that was locked is told with the time of now.
  for (const [id, row] of rows) if (regrouped.has(id)) rows.set(id, { ...row })
  return { changes, rows: rows as ReadonlyMap<string, ContactRow> }
})

/** Whoever holds the contact's lock has seen that they are untold. */
export const markTold = Effect.fnUntraced(function* (
  repo: Repo,
  marks: ReadonlyArray<readonly [keyId: string, toldTo: string]>
) {
  if (marks.length === 0) return
  if ((yield* repo.markTold(marks)).length < marks.length) return yield* new Moved()
})

/** A contact of whom nothing is known but that they were seen. */
export const newContact = (
  id: string,
  { asker, occurredAt }: Pick<StepContext, "asker" | "occurredAt">
): ContactRow => ({
  id,
  properties: {},
  publicProperties: {},
  timezone: null,
  source: asker.source,
  firstSeenAt: occurredAt,
  lastSeenAt: occurredAt
})

const placingOf = ({ assertedBy, occurredAt }: StepContext) => ({ assertedBy, occurredAt })

const isOwnId = (step: StepOf<"ClaimKey">) => step.kind === "contact"

/** What the ledger says of something that was not there before. */
export const noteOfNew = (step: StepOf<"CreateContact"> | StepOf<"ClaimKey">): Note | undefined => {
  if (step._tag === "CreateContact") return { action: "created", rule: "no_contact_yet", contactId: step.contactId }
  const { contactId, keyId } = step
  return contactId === null || isOwnId(step) ? undefined : { action: "linked", rule: "new_key", contactId, keyId }
}

export const changesOf = (steps: ReadonlyArray<Step>): Changes => ({
  created: stepsOf(steps, "CreateContact").map(({ contactId }) => contactId),
  linked: [...stepsOf(steps, "ClaimKey").filter((step) => !isOwnId(step)), ...stepsOf(steps, "LinkKey")].flatMap(
    ({ contactId, keyId }) => (contactId === null ? [] : [{ keyId, contactId }])
  ),
  promoted: stepsOf(steps, "PromoteKey"),
  moved: stepsOf(steps, "MoveEmail"),
  merged: stepsOf(steps, "Merge"),
  refused: stepsOf(steps, "RefuseJoin")
})

/** The contacts that have other keys after the step, or another address that mail goes to. A merge saves both rows itself. */
const whoseKeysChange = (step: Step): ReadonlyArray<string | null> => {
  switch (step._tag) {
    case "ClaimKey":
    case "LinkKey":
    case "PreferKey":
      return [step.contactId]
    case "PromoteKey":
    case "MoveEmail":
      return [step.from, step.contactId]
    default:
      return []
  }
}

/** Takes one step, and answers what the ledger says of it. Contacts are made and keys are claimed before, all at once. */
const apply = (
  repo: Repo,
  step: Step,
  progress: Progress,
  context: StepContext
): Effect.Effect<Note | undefined, SqlError | Moved> => {
  switch (step._tag) {
    case "CreateContact":
    case "ClaimKey":
      return Effect.succeed(noteOfNew(step))
    case "LinkKey":
      return link(repo, step, progress, context)
    case "PromoteKey":
      return promote(repo, step, progress, context)
    case "MoveEmail":
      return move(repo, step, context)
    case "PreferKey":
      return Effect.as(repo.preferKey(step.keyId), undefined)
    case "PlaceKey":
      return Effect.as(repo.placeKey(step.keyId, context), undefined)
    case "Merge":
      return merge(repo, step, progress, context)
    case "RefuseJoin": {
      const { contactId, keyId, otherContactId, rule } = step
      return Effect.succeed({ action: "join_refused", rule, contactId, otherContactId, keyId })
    }
  }
}

const link = Effect.fnUntraced(function* (
  repo: Repo,
  { contactId, keyId }: StepOf<"LinkKey">,
  { rows }: Progress,
  context: StepContext
) {
  const [key] = yield* repo.linkKey(keyId, contactId, context)
  if (key === undefined) return yield* new Moved()
  const row = rows.get(contactId)
  // They were seen before they were somebody.
  if (row !== undefined && key.firstAssertedAt < row.firstSeenAt) {
    const earlier = { ...row, firstSeenAt: key.firstAssertedAt }
    rows.set(row.id, earlier)
    yield* repo.saveContacts([earlier])
  }
  return { action: "linked", rule: "free_key", contactId, keyId } satisfies Note
})

const promote = Effect.fnUntraced(function* (
  repo: Repo,
  step: StepOf<"PromoteKey">,
  { rows }: Progress,
  context: StepContext
) {
  const { contactId, from, keyId } = step
  if ((yield* repo.promoteKey(step, context)).length === 0) return yield* new Moved()
  const holder = from === null ? undefined : rows.get(from)
  if (holder !== undefined) {
    const cleaned = { ...holder, ...dropPublicOf(holder, keyId) }
    rows.set(holder.id, cleaned)
    yield* repo.saveContacts([cleaned])
  }
  return {
    action: "promoted",
    rule: "named_as_user",
    contactId,
    otherContactId: from === contactId ? null : from,
    keyId,
    before: holder === undefined ? null : { publicProperties: holder.publicProperties }
  } satisfies Note
})

const move = Effect.fnUntraced(function* (repo: Repo, step: StepOf<"MoveEmail">, context: StepContext) {
  if ((yield* repo.retireKey(step.fromKeyId, step.from)).length === 0) return yield* new Moved()
  const claim = { ...step, ...placingOf(context), kind: "email" as const, certified: false }
  if ((yield* repo.claimKeys([claim])).length === 0) return yield* new Moved()
  const { contactId, from, fromKeyId, keyId } = step
  return {
    action: "moved",
    rule: "asserted_later",
    contactId,
    otherContactId: from,
    keyId,
    before: { keyId: fromKeyId }
  } satisfies Note
})

const merge = Effect.fnUntraced(function* (
  repo: Repo,
  step: StepOf<"Merge">,
  { identified, rows }: Progress,
  context: StepContext
) {
  const [survivor, absorbed] = [rows.get(step.survivorId), rows.get(step.absorbedId)]
  if (survivor === undefined || absorbed === undefined) {
    return yield* Effect.die(new Error("A merge of a contact that is not locked"))
  }
  const keyIds = (yield* repo.repointKeys(absorbed.id, survivor.id, context.assertedBy)).map(({ id }) => id)
  yield* repo.repointFollowers(absorbed.id, survivor.id)
  const folded = fold(survivor, absorbed, { ...context, identified })
  if (identified.has(absorbed.id)) identified.add(survivor.id)
  rows.set(survivor.id, folded)
  yield* repo.saveContacts([folded])
  yield* repo.markMerged(absorbed.id, survivor.id)
  return {
    action: "merged",
    rule: context.assertedBy === "operator" ? "operator" : "keys_asserted_together",
    contactId: survivor.id,
    otherContactId: absorbed.id,
    before: { survivor, absorbed, keyIds },
    after: folded
  } satisfies Note
})

/** What the survivor of a merge becomes. */
export const fold = (
  survivor: ContactRow,
  absorbed: ContactRow,
  context: Pick<StepContext, "identified" | "assertedBy" | "serverOnly">
): ContactRow => ({
  ...survivor,
  ...foldProperties(
    { ...survivor, identified: context.identified.has(survivor.id) },
    { ...absorbed, identified: context.identified.has(absorbed.id) },
    { byOwnToken: context.assertedBy === "user", serverOnly: context.serverOnly }
  ),
  timezone: survivor.timezone ?? absorbed.timezone,
  source: survivor.source ?? absorbed.source,
  firstSeenAt: survivor.firstSeenAt <= absorbed.firstSeenAt ? survivor.firstSeenAt : absorbed.firstSeenAt,
  lastSeenAt: survivor.lastSeenAt >= absorbed.lastSeenAt ? survivor.lastSeenAt : absorbed.lastSeenAt
})
