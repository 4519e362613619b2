/** Says whose a key is, what else that contact is known by, and every step that brought it there. Changes nothing. */
import type { ContactId, Cut, KeyFacts, LedgerEntry } from "@hogsend/core"
import { Effect } from "effect"
import { isNeedless } from "../burnGuard.ts"
import type { makeIdentityRepo } from "../IdentityRepo.ts"
import { ledgerSays } from "./ledgerSays.ts"
import { findNamed } from "./operatorNames.ts"
import type { CutRow, LedgerRow, makeOperatorRepo } from "./OperatorRepo.ts"
import { type KeyState, summaryOf } from "../snapshot.ts"

type Repo = Effect.Success<typeof makeIdentityRepo>
type OperatorRepo = Effect.Success<typeof makeOperatorRepo>

export const explainKey = Effect.fnUntraced(function* (repo: Repo, operatorRepo: OperatorRepo, name: string) {
  const key = yield* findNamed(repo, name)
  const keys = yield* repo.findKeyAndSiblings(key)
  const told = yield* repo.valuesOfKeys(keys.flatMap(({ toldTo }) => toldTo ?? []))
  const { contactId } = key
  const ownId = key.kind === "contact" ? key.value : null
  return {
    key: toFacts(key, told),
    contact: contactId === null ? null : summaryOf({ id: contactId, keys }),
    keys: keys
      .filter((one) => one.contactId !== null)
      .toSorted(byStrength)
      .map((one) => toFacts(one, told)),
    cuts: contactId === null ? [] : yield* describeCuts(repo, yield* operatorRepo.cutsOf(contactId)),
    history: (yield* operatorRepo.historyOf(key, ownId)).map(toLedgerEntry)
  }
})

const strength = ["external", "email", "anonymous", "contact", "history"] as const

const byStrength = (a: KeyState, b: KeyState): number =>
  strength.indexOf(a.kind) - strength.indexOf(b.kind) ||
  a.firstAssertedAt - b.firstAssertedAt ||
  (a.value < b.value ? -1 : 1)

const toFacts = (key: KeyState, told: ReadonlyMap<string, string>): KeyFacts => ({
  kind: key.kind,
  value: key.value,
  certified: key.certified,
  firstAssertedAt: new Date(key.firstAssertedAt / 1000),
  assertedBy: key.assertedBy,
  toldTo: key.toldTo === null || isNeedless(key) ? null : (told.get(key.toldTo) ?? null)
})

export const toLedgerEntry = ({ contactId, keyKind, keyValue, otherContactId, ...row }: LedgerRow): LedgerEntry => ({
  ...row,
  contactId: contactId as ContactId | null,
  otherContactId: otherContactId as ContactId | null,
  says: ledgerSays(row.action, row.rule),
  key: keyKind === null || keyValue === null ? null : { kind: keyKind, value: keyValue }
})

/** Cuts with the contact keys of both sides. */
export const describeCuts = Effect.fnUntraced(function* (repo: Repo, rows: ReadonlyArray<CutRow>) {
  const ids = [...new Set(rows.flatMap(({ contactId, otherContactId }) => [contactId, otherContactId]))]
  const keys = Map.groupBy(yield* repo.findKeysOf(ids), (key) => key.contactId)
  const side = (id: string) => summaryOf({ id, keys: keys.get(id) ?? [] })
  return rows.map(({ contactId, otherContactId, ...row }): Cut => ({
    ...row,
    contact: side(contactId),
    otherContact: side(otherContactId)
  }))
})
