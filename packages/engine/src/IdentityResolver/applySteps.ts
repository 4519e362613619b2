/** Takes the steps of a decision in SQL, inside of the caller's transaction, and writes the ledger of them. */
import type { VouchedBy } from "@hogsend/core"
import { Effect, Schema } from "effect"
import { dropPublicOf, foldProperties } from "../contactProperties.ts"
import type { Actor } from "../AuditLogs.ts"
import { newId } from "../newId.ts"
import type { Step } from "./Step.ts"
import type { ContactRow, LedgerEntry, makeIdentityRepo } from "./IdentityRepo.ts"

/** What a request changed, for whoever turns it into rows of the same transaction. */
export interface Changes {
  readonly created: ReadonlyArray<string>
  readonly linked: ReadonlyArray<{ readonly keyId: string; readonly contactId: string }>
  readonly promoted: ReadonlyArray<{ readonly keyId: string; readonly contactId: string }>
  readonly merged: ReadonlyArray<{ readonly survivorId: string; readonly absorbedId: string }>
  readonly refused: ReadonlyArray<Extract<Step, { readonly _tag: "RefuseJoin" }>>
}

export interface StepContext {
  /** The contacts that are locked. */
  readonly contacts: ReadonlyArray<ContactRow>
  /** Those of them that were identified before. */
  readonly identified: ReadonlySet<string>
  readonly assertedBy: VouchedBy
  readonly asker: { readonly actor: Actor; readonly source: string }
  /** When the request happened: a new contact was first seen then. */
  readonly occurredAt: Date
  readonly serverOnly: ReadonlySet<string>
}

/** A key that was free when it was read is somebody's now: roll back, and again. */
export class KeyLost extends Schema.TaggedError<KeyLost>()("KeyLost", {}) {}

const stepsOf = <Tag extends Step["_tag"]>(steps: ReadonlyArray<Step>, tag: Tag) =>
  steps.filter((step): step is Extract<Step, { readonly _tag: Tag }> => step._tag === tag)

export const applySteps = Effect.fn("IdentityResolver.applySteps")(function* (
  repo: Effect.Success<typeof makeIdentityRepo>,
  steps: ReadonlyArray<Step>,
  context: StepContext
) {
  const rows = new Map(context.contacts.map((row) => [row.id, row]))
  const ledger: Array<LedgerEntry> = []
  const note = (entry: Partial<LedgerEntry> & Pick<LedgerEntry, "action" | "rule">) =>
    ledger.push({
      id: newId(),
      contactId: null,
      otherContactId: null,
      keyId: null,
      before: null,
      after: null,
      ...entry
    })

  const created = stepsOf(steps, "CreateContact").map(({ contactId }) => contactId)
  if (created.length > 0) {
    for (const row of yield* repo.insertContacts(created, context.asker.source, context.occurredAt))
      rows.set(row.id, row)
    for (const contactId of created) note({ action: "created", rule: "no_contact_yet", contactId })
  }

  const claims = stepsOf(steps, "ClaimKey")
  if (claims.length > 0 && (yield* repo.claimKeys(claims, context.assertedBy)).length < claims.length) {
    return yield* new KeyLost()
  }
  const linked: Array<{ keyId: string; contactId: string }> = []
  for (const { contactId, keyId, kind } of claims) {
    if (contactId === null || kind === "contact") continue
    linked.push({ keyId, contactId })
    note({ action: "linked", rule: "new_key", contactId, keyId })
  }

  const identified = new Set(context.identified)
  const promoted: Array<{ keyId: string; contactId: string }> = []
  const merged: Array<{ survivorId: string; absorbedId: string }> = []
  for (const step of steps) {
    switch (step._tag) {
      case "LinkKey": {
        const [key] = yield* repo.linkKey(step.keyId, step.contactId)
        if (key === undefined) return yield* new KeyLost()
        const row = rows.get(step.contactId)
        // They were seen before they were somebody.
        if (row !== undefined && key.firstAssertedAt < row.firstSeenAt) {
          const earlier = { ...row, firstSeenAt: key.firstAssertedAt }
          rows.set(row.id, earlier)
          yield* repo.saveContact(earlier)
        }
        linked.push(step)
        note({ action: "linked", rule: "free_key", contactId: step.contactId, keyId: step.keyId })
        break
      }
      case "PromoteKey": {
        if ((yield* repo.promoteKey(step.keyId, step.from, step.contactId)).length === 0) return yield* new KeyLost()
        promoted.push(step)
        const holder = step.from === null ? undefined : rows.get(step.from)
        if (holder !== undefined) {
          const cleaned = { ...holder, ...dropPublicOf(holder, step.keyId) }
          rows.set(holder.id, cleaned)
          yield* repo.saveContact(cleaned)
        }
        note({
          action: "promoted",
          rule: "named_as_user",
          contactId: step.contactId,
          otherContactId: step.from === step.contactId ? null : step.from,
          keyId: step.keyId,
          before: holder === undefined ? null : { publicProperties: holder.publicProperties }
        })
        break
      }
      case "PreferEmail": {
        yield* repo.preferEmail(step.keyId)
        break
      }
      case "Merge": {
        const survivor = rows.get(step.survivorId)
        const absorbed = rows.get(step.absorbedId)
        if (survivor === undefined || absorbed === undefined) {
          return yield* Effect.die(new Error("A merge of a contact that is not locked"))
        }
        const keyIds = (yield* repo.repointKeys(absorbed.id, survivor.id)).map(({ id }) => id)
        yield* repo.repointFollowers(absorbed.id, survivor.id)
        const folded = fold(survivor, absorbed, { ...context, identified })
        // For the next merge of the same request.
        if (identified.has(absorbed.id)) identified.add(survivor.id)
        rows.set(survivor.id, folded)
        yield* repo.saveContact(folded)
        yield* repo.markMerged(absorbed.id, survivor.id)
        merged.push(step)
        note({
          action: "merged",
          rule: "keys_asserted_together",
          contactId: survivor.id,
          otherContactId: absorbed.id,
          before: { survivor, absorbed, keyIds },
          after: folded
        })
        break
      }
      case "RefuseJoin": {
        note({
          action: "join_refused",
          rule: step.rule,
          contactId: step.contactId,
          otherContactId: step.otherContactId,
          keyId: step.keyId
        })
      }
    }
  }

  if (ledger.length > 0) yield* repo.insertLedger(ledger, context.assertedBy, context.asker.actor)
  const changes: Changes = { created, linked, promoted, merged, refused: stepsOf(steps, "RefuseJoin") }
  return { changes, rows: rows as ReadonlyMap<string, ContactRow> }
})

const fold = (survivor: ContactRow, absorbed: ContactRow, context: StepContext): ContactRow => ({
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
