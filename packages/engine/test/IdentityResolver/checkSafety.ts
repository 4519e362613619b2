/** What no assertion may ever break, conflicts or not, by looking at a store in memory before and after it. */
import { assert } from "@effect/vitest"
import { slotOf } from "../../src/IdentityKey.ts"
import type { Decision } from "../../src/IdentityResolver/decide.ts"
import type { IdentityLimits } from "../../src/IdentityResolver/limits.ts"
import { type Assertion, contactKeyOf, type ContactState, externalOf } from "../../src/IdentityResolver/snapshot.ts"
import type { MemoryStore } from "./MemoryStore.ts"

const day = 86_400_000_000

/** Cheap, since it is asked millions of times: the words are made only when it fails. */
export const must = (holds: boolean, rule: string, ...about: ReadonlyArray<unknown>) => {
  if (!holds) assert.fail([rule, ...about.map((one) => JSON.stringify(one))].join(" "))
}

/** What is looked at before, to be held against what is there afterwards. */
export const portray = (store: MemoryStore) => ({
  keys: store.keys(),
  contacts: store.contactIds().map(store.contact),
  cuts: store.cuts()
})

type Before = ReturnType<typeof portray>

const externalsOf = ({ keys }: ContactState) => keys.filter(({ kind }) => kind === "external").map(({ id }) => id)

/** External ids that are one contact's, two by two. */
const togetherIn = (contacts: ReadonlyArray<ContactState>) =>
  new Set(
    contacts.flatMap((contact) => {
      const ids = externalsOf(contact).toSorted()
      return ids.flatMap((a, at) => ids.slice(at + 1).map((b) => `${a} ${b}`))
    })
  )

/** Of every store at every time. */
export const checkStore = (store: MemoryStore) => {
  const keys = store.keys()
  assert.strictEqual(new Set(keys.map(({ kind, value }) => slotOf(kind, value))).size, keys.length, "one owner")
  const living = new Set(store.contactIds())
  for (const key of keys) must(key.contactId === null || living.has(key.contactId), "a living owner", key)
  for (const id of living) {
    const own = store.key({ kind: "contact", value: id })
    must(own?.kind === "contact" && own.contactId === id, "its own id is its key", own)
  }
  for (const [one, other] of store.cuts()) {
    assert.isTrue(living.has(one) && living.has(other), "a cut is between living contacts")
    assert.notStrictEqual(one, other, "no contact is cut from itself, so no two that are cut became one")
  }
}

export interface Heard {
  readonly assertion: Assertion
  readonly occurredAt: number
  readonly decision: Decision
  readonly limits: IdentityLimits
}

export const checkSafety = (store: MemoryStore, before: Before, heard: Heard) => {
  const { assertion, decision, occurredAt } = heard
  checkStore(store)
  const after = portray(store)
  checkKeysKept(store, before)
  if (decision._tag !== "Resolved") return assert.deepStrictEqual(after, before, "refused, and nothing changed")

  const together = togetherIn(before.contacts)
  for (const pair of togetherIn(after.contacts)) assert.isTrue(together.has(pair), "no two external ids come together")
  checkLimits(before.contacts, after.contacts, heard, store.now())

  const event = store.keys().find(({ id }) => id === decision.keyId)
  assert.isDefined(event, "what was sent hangs on a key that exists")
  for (const asserted of assertion.keys) {
    const erasedAt = store.erasedAt(asserted)
    const joined = store.key(asserted)?.contactId === decision.contact?.id
    const left = decision.erased.some(({ value }) => value === asserted.value)
    if (erasedAt !== undefined && occurredAt <= erasedAt) assert.isTrue(left, "what an erased person did is left out")
    if (left || decision.contact === null) continue
    const refused = decision.steps.some(
      (step) => step._tag === "RefuseJoin" && step.key.kind === asserted.kind && step.key.value === asserted.value
    )
    assert.strictEqual(joined, !refused, "a key joined, or its refusal is a step")
  }
  if (decision.contact === null) return assert.isTrue(assertion.observesOnly || assertion.attaches)
  assert.strictEqual(event?.contactId, decision.contact.id, "what was sent is the contact's")
  assert.deepStrictEqual(contactKeyOf(decision.contact), contactKeyOf(store.contact(decision.contact.id)))
  checkSteps(store, heard, decision)
}

const checkKeysKept = (store: MemoryStore, before: Before) => {
  const after = new Map(store.keys().map((key) => [key.id, key]))
  for (const key of before.keys) {
    const now = after.get(key.id)
    const moved = key.kind === "email" && now?.kind === "history"
    if (moved) {
      must(store.key(key) !== undefined, "an address that moved is at another contact", key)
      must(
        now.contactId === key.contactId || store.mergedInto(key.contactId ?? "") === now.contactId,
        "its history stays",
        key
      )
    }
    const kept = moved ? { ...now, value: key.value } : now
    for (const field of ["value", "certified", "firstAssertedAt", "notBefore"] as const) {
      must(kept?.[field] === key[field], "no key lost", key, now)
    }
    const promoted = key.kind === "anonymous" && !key.certified && now?.kind === "external"
    must(promoted || moved || now?.kind === key.kind, "a kind changes by a promotion or a move only", key, now)
    must(key.contactId === null || now?.contactId !== null, "a key stays somebody's", key)
  }
}

/** What this way of asserting brought is within the limits, or was beyond them before. */
const checkLimits = (
  before: ReadonlyArray<ContactState>,
  after: ReadonlyArray<ContactState>,
  { assertion: { vouchedBy: way }, limits }: Heard,
  now: number
) => {
  const most = (contacts: ReadonlyArray<ContactState>, count: (contact: ContactState) => number) =>
    Math.max(0, ...contacts.map(count))
  for (const kind of ["email", "anonymous", "contact"] as const) {
    const ofKind = ({ id, keys }: ContactState) =>
      keys.filter((key) => key.kind === kind && key.value !== id && key.assertedBy === way).length
    const limit = limits.keys?.[kind] ?? Infinity
    assert.isAtMost(most(after, ofKind), Math.max(limit, most(before, ofKind)), `${kind} keys within the limit`)
  }
  const absorbed = ({ id, keys }: ContactState) =>
    keys.filter(
      (key) => key.kind === "contact" && key.value !== id && key.assertedBy === way && (key.placedAt ?? 0) > now - day
    ).length
  const merges = Math.max(limits.mergesPerDay ?? Infinity, most(before, absorbed))
  assert.isAtMost(most(after, absorbed), merges, "merges within the limit")
}

const checkSteps = (
  store: MemoryStore,
  { assertion, occurredAt }: Heard,
  { steps }: Extract<Decision, { readonly _tag: "Resolved" }>
) => {
  for (const step of steps) {
    if (step._tag === "Merge") assert.strictEqual(store.mergedInto(step.absorbedId), step.survivorId)
    if (step._tag === "MoveEmail") {
      assert.strictEqual(assertion.vouchedBy, "server", "only a server moves an address")
      assert.strictEqual(assertion.keys[0]?.kind, "external", "only to a user")
      const [now, past] = [step.keyId, step.fromKeyId].map((id) => store.keys().find((key) => key.id === id))
      assert.isBelow(past?.placedAt ?? 0, occurredAt, "only by what is newer")
      assert.strictEqual(now?.notBefore, past?.notBefore, "with what an erasure refuses")
    }
    if (step._tag === "RefuseJoin" && step.rule === "two_external_ids") {
      assert.isDefined(externalOf(store.contact(step.otherContactId ?? "")))
    }
  }
  if (assertion.vouchedBy === "public" || assertion.vouchedBy === "device") {
    const own = steps.every(({ _tag }) => ["CreateContact", "ClaimKey", "LinkKey"].includes(_tag))
    assert.isTrue(own, "a caller without a token only makes what is its own")
  }
}
