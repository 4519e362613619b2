/** What must hold of `decide` for every sequence of assertions, on a store in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { slotOf } from "../../src/IdentityKey.ts"
import type { Decision } from "../../src/IdentityResolver/decide.ts"
import { type Assertion, contactKeyOf, externalOf, type KeyState } from "../../src/IdentityResolver/snapshot.ts"
import {
  assertionOf,
  componentsOf,
  ConflictFree,
  isConflictFree,
  type Named,
  permutations,
  Said,
  says,
  shuffled
} from "./assertions.ts"
import { makeMemoryStore, type MemoryStore } from "./MemoryStore.ts"

const runs = { arbitrary: { runs: 1000, size: 20 }, timeout: 60_000 }
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

const slotted = (value: string): Pick<KeyState, "kind" | "value"> => ({
  kind: value.includes("@") ? "email" : "external",
  value
})

const keyOf = (store: MemoryStore, value: string) => {
  const contact = store.contactOf(slotted(value))
  return contact === undefined ? undefined : { ...contactKeyOf(contact), id: contact.id }
}

/** Fails unless the order ends as the union-find says, and stays so when any part is heard again. */
const endsConnected = (order: ReadonlyArray<Named>, again: ReadonlyArray<Named>) => {
  const store = makeMemoryStore()
  for (const named of order) store.assert(says(named))
  const { connected, externals, strings } = componentsOf(order)
  const keys = new Map(strings.map((one) => [one, keyOf(store, one)]))
  for (const one of strings) {
    for (const other of strings) {
      assert.strictEqual(keys.get(one)?.id === keys.get(other)?.id, connected(one, other), `${one} with ${other}`)
    }
    const [external] = externals(one)
    if (external !== undefined) {
      assert.deepInclude(keys.get(one), { contactKey: external, contactKeyKind: "external", safeToIdentify: true })
    }
  }
  for (const named of again) store.assert(says(named))
  for (const one of strings) assert.deepStrictEqual(keyOf(store, one), keys.get(one))
}

describe("decide: conflict-free trusted assertions", () => {
  it.prop(
    "in every order, two keys are one contact exactly when they are connected, and its key is its external id",
    [ConflictFree, Seed],
    ([set, seed]) => {
      assert.isTrue(isConflictFree(set))
      const heardTwice = shuffled([...set, ...set.slice(0, seed % 4)], seed)
      for (const order of [heardTwice, heardTwice.toReversed(), set]) {
        endsConnected(order, shuffled(set, seed + 1).slice(0, 1 + (seed % 5)))
      }
      if (set.length <= 4) for (const order of permutations(set)) endsConnected(order, set)
    },
    runs
  )

  it("every conflict-free set of up to three assertions over a user id, two emails and two anonymous ids, in every order", () => {
    const maybe = <A>(...some: ReadonlyArray<A>) => [undefined, ...some]
    const all = maybe("u").flatMap((userId) =>
      maybe("1@x.co", "2@x.co").flatMap((email) =>
        maybe("a", "b", "u").map((anonymousId): Named => ({ userId, email, anonymousId }))
      )
    )
    const universe = all.filter(({ anonymousId, email, userId }) => userId ?? email ?? anonymousId)
    const sets = universe.flatMap((a, i) =>
      universe.slice(i + 1).flatMap((b, j) => [[a, b], ...universe.slice(i + j + 2).map((c) => [a, b, c])])
    )
    const free = sets.filter(isConflictFree)
    assert.isAbove(free.length, 1000)
    for (const set of free) for (const order of permutations(set)) endsConnected(order, order)
  })
})

/** What no assertion may ever break, by looking at the store before and after it. */
const checkSafety = (store: MemoryStore, before: ReadonlyArray<KeyState>, assertion: Assertion, decision: Decision) => {
  const keys = store.keys()
  assert.strictEqual(new Set(keys.map(({ kind, value }) => slotOf(kind, value))).size, keys.length, "one owner")
  const living = new Set(store.contactIds())
  for (const { contactId } of keys) assert.isTrue(contactId === null || living.has(contactId), "a living owner")
  for (const id of living) {
    const contact = store.contact(id)
    assert.isAtMost(contact.keys.filter(({ kind }) => kind === "external").length, 1, "one external id")
    assert.isTrue(
      contact.keys.some(({ kind, value }) => kind === "contact" && value === id),
      "its own id is its key"
    )
  }
  const after = new Map(keys.map((key) => [key.id, key]))
  for (const key of before) {
    const now = after.get(key.id)
    const moved = key.kind === "email" && now?.kind === "history"
    if (moved) assert.isDefined(store.key(key), "an address that moved is at another contact")
    assert.include(
      now,
      { value: moved ? `$${key.id}` : key.value, certified: key.certified, firstAssertedAt: key.firstAssertedAt },
      "no key lost"
    )
    const promoted = key.kind === "anonymous" && !key.certified && now?.kind === "external"
    assert.isTrue(promoted || moved || now?.kind === key.kind, "a kind changes by a promotion or a move only")
    if (key.contactId !== null) assert.isNotNull(now?.contactId, "a key stays somebody's")
  }
  if (decision._tag !== "Resolved") return assert.deepStrictEqual(keys, before, "refused, and nothing changed")
  if (decision.contact === null) return assert.isTrue(assertion.observesOnly)
  for (const asserted of assertion.keys) {
    const key = store.key(asserted)
    const refused = decision.steps.some((step) => step._tag === "RefuseJoin" && step.keyId === key?.id)
    assert.strictEqual(key?.contactId === decision.contact.id, !refused, "a key joined, or its refusal is a step")
  }
  assert.deepStrictEqual(contactKeyOf(decision.contact), contactKeyOf(store.contact(decision.contact.id)))
  for (const step of decision.steps) {
    if (step._tag === "Merge") assert.strictEqual(store.mergedInto(step.absorbedId), step.survivorId)
    if (step._tag === "RefuseJoin" && step.rule === "two_external_ids") {
      assert.isDefined(externalOf(store.contact(step.otherContactId ?? "")))
    }
  }
  if (assertion.vouchedBy === "public" || assertion.vouchedBy === "device") {
    const own = decision.steps.every(({ _tag }) => ["CreateContact", "ClaimKey", "LinkKey"].includes(_tag))
    assert.isTrue(own, "a caller without a token only makes what is its own")
  }
}

describe("decide: any assertions, conflicts included", () => {
  it.prop(
    "one owner a string, one external id a contact, no key lost, every refusal a step",
    [Schema.Array(Said).check(Schema.isMaxLength(30))],
    ([said]) => {
      const store = makeMemoryStore()
      for (const one of said) {
        const assertion = assertionOf(one, (value) => store.contactOf(slotted(value))?.id)
        if (assertion === undefined) continue
        const before = store.keys()
        checkSafety(store, before, assertion, store.assert(assertion))
      }
    },
    runs
  )
})
