/** What must hold of `decide` for every sequence of assertions, on a store in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { IdentityLimits } from "../../src/IdentityResolver/limits.ts"
import { contactKeyOf } from "../../src/IdentityResolver/snapshot.ts"
import { componentsOf, ConflictFree, isConflictFree, type Named, permutations, says, shuffled } from "./assertions.ts"
import { checkSafety, checkStore, must, portray } from "./checkSafety.ts"
import { runs } from "./depth.ts"
import { eventOf, type Happening, historyOf, slotted, tightLimits } from "./Happening.ts"
import { makeMemoryStore, type MemoryStore } from "./MemoryStore.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

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
      must((keys.get(one)?.id === keys.get(other)?.id) === connected(one, other), "connected", one, other)
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

/** Fails when the history breaks what must hold; answers how often each thing occurred in it. */
const live = (history: ReadonlyArray<Happening>, limits: IdentityLimits) => {
  const store = makeMemoryStore(limits)
  const occurred: Array<string> = []
  /** The keys that events hang on, as long as nobody erased them. */
  let events: ReadonlyArray<string> = []
  for (const happening of history) {
    const event = eventOf(happening, store)
    if (event === undefined) continue
    if (event._tag === "DayPassed") store.pass(86_400_000_000)
    if (event._tag === "Cut") store.cut(event.one, event.other)
    if (event._tag === "Merged") store.merge(event.one, event.other)
    if (event._tag === "Erased") {
      const owner = store.contactOf(slotted(event.value))
      store.erase(slotted(event.value))
      events = events.filter((keyId) => !owner?.keys.some(({ id }) => id === keyId))
    }
    occurred.push(event._tag)
    if (event._tag !== "Asserted") {
      checkStore(store)
      continue
    }
    const before = portray(store)
    const decision = store.assert(event.assertion, event.occurredAt)
    checkSafety(store, before, { ...event, decision, limits })
    occurred.push(decision._tag)
    if (decision._tag !== "Resolved") continue
    events = [...events, decision.keyId]
    const keys = new Set(store.keys().map(({ id }) => id))
    assert.isTrue(
      events.every((keyId) => keys.has(keyId)),
      "no event lost"
    )
    for (const step of decision.steps) occurred.push(step._tag === "RefuseJoin" ? step.rule : step._tag)
    if (decision.erased.length > 0) occurred.push("erased key left out")
  }
  return occurred
}

describe("decide: any assertions, conflicts included", () => {
  const seen = new Map<string, number>()

  it.prop(
    "one owner a string, no two external ids together, no key and no event lost, every refusal a step; with moves, limits, cuts and erasures",
    [Seed, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 })), Schema.Boolean],
    ([seed, length, tight]) => {
      for (const what of live(historyOf(seed, length), tight ? tightLimits : {}))
        seen.set(what, (seen.get(what) ?? 0) + 1)
    },
    runs
  )

  it("and each of these occurred in the histories", () => {
    const expected = [
      ["Asserted", "Cut", "Merged", "Erased", "DayPassed", "Resolved", "Denied", "erased key left out"],
      ["CreateContact", "ClaimKey", "LinkKey", "PromoteKey", "MoveEmail", "PreferKey", "Merge"],
      ["two_external_ids", "two_emails", "anonymous_not_joined", "cut", "too_many_keys", "too_many_merges"]
    ].flat()
    for (const what of expected) assert.isAbove(seen.get(what) ?? 0, 0, what)
  })
})
