/**
 * The identity store in memory: shows `decide` what the database would, takes its steps, and throws where the database
 * would refuse one. It knows no rule of identity.
 */
import { slotOf } from "../../src/IdentityKey.ts"
import { type Decision, decide } from "../../src/IdentityResolver/decide.ts"
import type { IdentityLimits } from "../../src/IdentityResolver/limits.ts"
import type { Step } from "../../src/IdentityResolver/Step.ts"
import {
  type AssertedBy,
  type AssertedKey,
  type Assertion,
  type ContactKey,
  contactKeyOf,
  type ContactState,
  type Cut,
  currentEmailOf,
  type KeyState,
  type Snapshot
} from "../../src/IdentityResolver/snapshot.ts"

export interface MemoryStore {
  /** Decides, takes the steps, and answers the decision. What is asserted happened now, or at this time. */
  readonly assert: (assertion: Assertion, occurredAt?: number) => Decision
  /** The store's clock: one more with every assertion. */
  readonly now: () => number
  /** Time passes, in microseconds. */
  readonly pass: (micros: number) => void
  readonly cut: (contactId: string, otherContactId: string) => void
  readonly cuts: () => ReadonlyArray<Cut>
  /** By an operator: whatever they hold, and without a limit. A cut between the two is lifted. */
  readonly merge: (survivorId: string, absorbedId: string) => void
  /** Whoever holds the key leaves, with every key. */
  readonly erase: (asserted: Pick<KeyState, "kind" | "value">) => void
  /** When whoever held the string was erased last. */
  readonly erasedAt: (asserted: Pick<KeyState, "kind" | "value">) => number | undefined
  readonly key: (asserted: Pick<KeyState, "kind" | "value">) => KeyState | undefined
  readonly keys: () => ReadonlyArray<KeyState>
  /** Whose the key is: undefined when nobody's. */
  readonly contactOf: (asserted: Pick<KeyState, "kind" | "value">) => ContactState | undefined
  readonly contact: (id: string) => ContactState
  readonly contactIds: () => ReadonlyArray<string>
  readonly mergedInto: (id: string) => string | undefined
  /** The next contact is as old as this says. */
  readonly backdate: (contactId: string, firstSeenAt: number) => void
}

export const makeMemoryStore = (limits: IdentityLimits = {}): MemoryStore => {
  const keys = new Map<string, KeyState>()
  const erased = new Map<string, number>()
  let cuts: ReadonlyArray<Cut> = []
  let by: AssertedBy = "server"
  let happened = 0
  const contacts = new Map<string, { firstSeenAt: number; mergedInto?: string }>()
  let now = 0
  let minted = 0
  const mint = () => `id-${String(++minted).padStart(6, "0")}`

  const slots = new Map<string, string>()
  const key = ({ kind, value }: Pick<KeyState, "kind" | "value">) => keys.get(slots.get(slotOf(kind, value)) ?? "")

  const set = (row: KeyState) => {
    slots.set(slotOf(row.kind, row.value), row.id)
    keys.set(row.id, row)
  }

  const living = (id: string) => {
    const row = contacts.get(id)
    if (row === undefined || row.mergedInto !== undefined) throw new Error(`No contact ${id}`)
    return row
  }

  const contact = (id: string): ContactState => ({
    id,
    firstSeenAt: living(id).firstSeenAt,
    keys: [...keys.values()].filter(({ contactId }) => contactId === id)
  })

  const contactOf = (asserted: Pick<KeyState, "kind" | "value">) => {
    const id = key(asserted)?.contactId ?? undefined
    return id === undefined ? undefined : contact(id)
  }

  /** The asserted keys, their contacts, and every key of those: no more than is read from the database. */
  const snapshot = (asserted: ReadonlyArray<AssertedKey>): Snapshot => {
    const known = asserted.flatMap((one) => key(one) ?? [])
    const owners = [...new Set(known.flatMap(({ contactId }) => contactId ?? []))].map(contact)
    const seen = [...known, ...owners.flatMap((owner) => owner.keys)]
    return {
      now,
      keys: new Map(seen.map((one) => [slotOf(one.kind, one.value), one])),
      contacts: new Map(owners.map((owner) => [owner.id, owner])),
      erased: new Map(
        asserted
          .filter((one) => key(one) === undefined)
          .flatMap(({ kind, value }) => {
            const [slot, at] = [slotOf(kind, value), erased.get(slotOf(kind, value))]
            return at === undefined ? [] : [[slot, at]]
          })
      ),
      cuts: cuts.filter((cut) => cut.every((id) => owners.some((owner) => owner.id === id)))
    }
  }

  const change = (keyId: string, patch: Partial<KeyState>) => {
    const row = keys.get(keyId)
    if (row === undefined) throw new Error(`No key ${keyId}`)
    slots.delete(slotOf(row.kind, row.value))
    set({ ...row, ...patch })
  }

  const placed = () => ({ assertedBy: by, placedAt: happened })
  const fresh = (preferred: boolean) => ({
    ...placed(),
    certified: false,
    firstAssertedAt: now,
    preferredAt: preferred ? now : null,
    notBefore: null,
    toldTo: null
  })

  const take = (step: Step) => {
    switch (step._tag) {
      case "CreateContact":
        return contacts.set(step.contactId, { firstSeenAt: now })
      case "ClaimKey": {
        if (key(step) !== undefined) throw new Error(`Claimed twice: ${step.value}`)
        if (step.contactId !== null) living(step.contactId)
        const { certified, contactId, keyId: id, kind, notBefore, preferred, value } = step
        return set({ ...fresh(preferred), id, kind, value, certified, contactId, notBefore })
      }
      case "LinkKey": {
        living(step.contactId)
        if (keys.get(step.keyId)?.contactId !== null) throw new Error("Linked a key that is somebody's")
        return change(step.keyId, { contactId: step.contactId, ...placed() })
      }
      case "PromoteKey": {
        living(step.contactId)
        const row = keys.get(step.keyId)
        if (row?.kind !== "anonymous" || row.contactId !== step.from) throw new Error("Promoted another key")
        return change(step.keyId, { kind: "external", contactId: step.contactId, ...placed() })
      }
      case "MoveEmail": {
        living(step.contactId)
        const { contactId, fromKeyId, keyId: id, notBefore, preferred, value } = step
        const row = keys.get(fromKeyId)
        if (row?.kind !== "email" || row.contactId !== step.from || row.value !== value)
          throw new Error("Moved another")
        change(fromKeyId, { kind: "history", value: `$${fromKeyId}` })
        return set({ ...fresh(preferred), id, kind: "email", value, contactId, notBefore })
      }
      case "PlaceKey":
        return change(step.keyId, placed())
      case "PreferKey":
        return change(step.keyId, { preferredAt: now })
      case "Merge": {
        living(step.survivorId)
        living(step.absorbedId).mergedInto = step.survivorId
        for (const { contactId, id, value } of keys.values()) {
          if (contactId !== step.absorbedId) continue
          change(id, {
            contactId: step.survivorId,
            ...(value === step.absorbedId ? { ...placed(), placedAt: now } : {})
          })
        }
        const survivorOf = (id: string) => (id === step.absorbedId ? step.survivorId : id)
        cuts = cuts.map(([a, b]) => [survivorOf(a), survivorOf(b)])
        return
      }
      case "RefuseJoin":
    }
  }

  return {
    assert: (assertion, occurredAt) => {
      now += 1
      happened = occurredAt ?? now
      by = assertion.vouchedBy
      const decision = decide(assertion, snapshot(assertion.keys), { mint, occurredAt: happened, limits })
      if (decision._tag === "Resolved") decision.steps.forEach(take)
      return decision
    },
    now: () => now,
    pass: (micros) => {
      now += micros
    },
    cut: (a, b) => {
      living(a)
      living(b)
      cuts = [...cuts, [a, b]]
    },
    cuts: () => cuts,
    merge: (survivorId, absorbedId) => {
      now += 1
      by = "operator"
      cuts = cuts.filter((cut) => !(cut.includes(survivorId) && cut.includes(absorbedId)))
      take({ _tag: "Merge", survivorId, absorbedId })
    },
    erase: (asserted) => {
      now += 1
      const owner = contactOf(asserted)
      if (owner === undefined) throw new Error("Nobody to erase")
      for (const { id, kind, value } of owner.keys) {
        keys.delete(id)
        slots.delete(slotOf(kind, value))
        erased.set(slotOf(kind, value), now)
      }
      contacts.delete(owner.id)
      cuts = cuts.filter((cut) => !cut.includes(owner.id))
    },
    erasedAt: ({ kind, value }) => erased.get(slotOf(kind, value)),
    key,
    keys: () => [...keys.values()],
    contactOf,
    contact,
    contactIds: () => [...contacts].filter(([, { mergedInto }]) => mergedInto === undefined).map(([id]) => id),
    mergedInto: (id) => contacts.get(id)?.mergedInto,
    backdate: (id, firstSeenAt) => {
      living(id).firstSeenAt = firstSeenAt
    }
  }
}

/** What two stores must agree on, whatever ids they mint: every contact's keys, contact key and current email. */
export interface Portrait {
  readonly keys: ReadonlyArray<string>
  readonly contactKey: string
  readonly email: string | undefined
}

export const portraitOf = (contact: ContactState): Portrait => {
  const { contactKey, contactKeyKind }: ContactKey = contactKeyOf(contact)
  return {
    keys: contact.keys
      .map(({ kind, value }) => (kind === "contact" || kind === "history" ? kind : `${kind}:${value}`))
      .toSorted(),
    contactKey: contactKeyKind === "contact" ? "its id" : contactKey,
    email: currentEmailOf(contact)?.value
  }
}
