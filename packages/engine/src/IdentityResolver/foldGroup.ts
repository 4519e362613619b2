/**
 * What a group of requests changes, and what each of them is answered: everybody's new keys, and each contact once, whatever
 * many requests say of it, in their order. Pure.
 */
import type { OutboundEvent } from "../OutboundMessages.ts"
import { traceparentOf } from "../traceContext.ts"
import { changesOf, newContact, noteOfNew } from "./applySteps.ts"
import { starOf } from "./burnGuard.ts"
import type { Candidate, Knowledge } from "./classifyGroup.ts"
import { contactEvents, portraitOf, savedAt } from "./contactEvents.ts"
import type { ResolvedDecision } from "./decide.ts"
import type { GroupChanges } from "./GroupRepo.ts"
import { type DatedRow, type NewKey, signedBy, type SignedNote } from "./IdentityRepo.ts"
import type { GroupRequest, InGroup } from "./resolveGroup.ts"
import { type Assertion, type ContactKey, contactKeyAsSent, contactKeyOf } from "./snapshot.ts"
import { type ContactUpdate, mayUpdate, noUpdate, updateContact, writerOf } from "./updateContact.ts"
import type { Resolved } from "../IdentityResolver.ts"

export const foldGroup = <R extends GroupRequest>(
  candidates: ReadonlyArray<Candidate<R>>,
  knowledge: Knowledge,
  {
    listens,
    now,
    serverOnly
  }: { readonly now: Date; readonly serverOnly: ReadonlySet<string>; readonly listens: boolean }
): { readonly resolved: ReadonlyArray<InGroup<R>>; readonly changes: GroupChanges } => {
  const rows = new Map<string, DatedRow>()
  const written = new Map<string, string>()
  const strangers = new Set<string>()
  const told: Array<OutboundEvent> = []
  const marks = new Map<string, string>()

  /** As part of the request's trace, and not of the group's. */
  const tell = ({ span }: GroupRequest, events: ReadonlyArray<OutboundEvent>) =>
    told.push(...(span === undefined ? events : events.map((event) => ({ ...event, trace: traceparentOf(span) }))))

  /** Answers whether the contact's row changes; a new one does. */
  const write = (candidate: Candidate<R>) => {
    const { decision, fresh, request } = candidate
    const { contact } = decision
    const known = knowledge.contacts.get(contact?.id ?? "")
    const row = rows.get(contact?.id ?? "") ?? rowFor(candidate, known, now)
    if (contact === null || row === undefined) return { update: noUpdate, changed: fresh }
    const writer = writerOf(request.assertion, decision)
    const update = updateContact(row, request, writer, serverOnly)
    if (update.changed === undefined && !fresh) return { update, changed: false }
    const after = update.changed === undefined ? row : savedAt(now, update.changed, row)
    const before = fresh ? [] : [portraitOf(row, contact.keys)]
    tell(request, contactEvents({ before, after: [portraitOf(after, contact.keys)] }))
    if (fresh) {
      const star = starOf(contact, { isNew: true, listens })
      tell(request, star.merges)
      for (const [keyId, toldTo] of star.marks) marks.set(keyId, toldTo)
    }
    rows.set(contact.id, after)
    if (known?.row !== undefined) written.set(contact.id, known.row.version)
    if (known !== undefined && writer?.trusted === false) strangers.add(contact.id)
    return { update, changed: true }
  }

  const resolved = candidates.map((candidate): InGroup<R> => {
    const { changed, update } = write(candidate)
    return { request: candidate.request, resolution: resolutionOf(candidate, update), bound: changed }
  })
  const [fresh, known] = [candidates.filter((one) => one.fresh), candidates.filter((one) => !one.fresh)]
  const changes: GroupChanges = {
    contacts: Array.from(rows.values(), (row) => ({ ...row, savedAt: now })),
    claims: fresh.flatMap(claimsOf).map((claim) => ({ ...claim, toldTo: marks.get(claim.keyId) ?? null })),
    notes: fresh.flatMap(notesOf),
    written: Array.from(written, ([id, version]) => ({ id, version })),
    held: [...new Set(known.map(({ decision }) => decision.keyId))],
    strangers: [...strangers],
    told
  }
  return { resolved, changes }
}

/** The row that a request may write to: a new one, or what is stored of whoever is known. */
const rowFor = (
  { decision: { contact }, fresh, request }: Candidate<GroupRequest>,
  known: ReturnType<Knowledge["contacts"]["get"]>,
  now: Date
): DatedRow | undefined => {
  if (fresh) return contact === null ? undefined : savedAt(now, newContact(contact.id, request), undefined)
  return known?.row !== undefined &&
    mayUpdate(request, { firstMs: known.firstSeenAt / 1000, lastMs: known.lastSeenAt / 1000 })
    ? known.row
    : undefined
}

const claimsOf = ({ decision, request }: Candidate<GroupRequest>): ReadonlyArray<NewKey> =>
  decision.steps.flatMap((step) =>
    step._tag === "ClaimKey"
      ? [{ ...step, assertedBy: request.assertion.vouchedBy, occurredAt: request.occurredAt }]
      : []
  )

const notesOf = ({ decision, request }: Candidate<GroupRequest>): ReadonlyArray<SignedNote> => {
  const signed = signedBy(request.assertion.vouchedBy, request.asker.actor)
  return decision.steps.flatMap((step) => {
    const note = step._tag === "CreateContact" || step._tag === "ClaimKey" ? noteOfNew(step) : undefined
    return note === undefined ? [] : [signed(note)]
  })
}

const noChanges = changesOf([])

const resolutionOf = (
  { decision, fresh, request }: Candidate<GroupRequest>,
  { updated, warnings }: ContactUpdate
): Resolved => {
  const { contact, keyId, steps } = decision
  return {
    ...keyOf(decision, request.assertion),
    keyId,
    contactId: contact?.id ?? null,
    changes: { ...(fresh ? changesOf(steps) : noChanges), updated },
    warnings
  }
}

const keyOf = ({ contact }: ResolvedDecision, { keys }: Assertion): ContactKey =>
  contact === null ? contactKeyAsSent(keys) : contactKeyOf(contact)
