/** Who of a group is resolved together: `decide`'s rules, in the order of arrival, and nobody overtakes. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { slotOf } from "../../src/IdentityKey.ts"
import { type Classified, classifyGroup, type Knowledge } from "../../src/IdentityResolver/classifyGroup.ts"
import { decide } from "../../src/IdentityResolver/decide.ts"
import type { IdentityLimits } from "../../src/IdentityResolver/limits.ts"
import type { Assertion, ContactState, KeyState, Snapshot } from "../../src/IdentityResolver/snapshot.ts"
import { says } from "./assertions.ts"
import { runs } from "./depth.ts"
import { eventOf, historyOf, tightLimits } from "./Happening.ts"
import { makeMemoryStore, type MemoryStore, portraitOf } from "./MemoryStore.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

interface Request {
  readonly assertion: Assertion
  readonly occurredAt: Date
}

const request = (assertion: Assertion, micros: number): Request => ({
  assertion,
  occurredAt: new Date(Math.ceil(micros / 1000))
})

const slotsOf = ({ assertion }: Request) => assertion.keys.map(({ kind, value }) => slotOf(kind, value))

/** As the database would tell it: the keys that are named, whose they are, and every key of those. */
const knowledgeOf = (store: MemoryStore, requests: ReadonlyArray<Request>): Knowledge => {
  const named = requests.flatMap(({ assertion }) => assertion.keys.flatMap((key) => store.key(key) ?? []))
  const contacts = [...new Set(named.flatMap(({ contactId }) => contactId ?? []))].map(store.contact)
  const keys = [...named, ...contacts.flatMap((contact) => contact.keys)]
  return {
    keys: new Map(keys.map((key) => [slotOf(key.kind, key.value), key])),
    contacts: new Map(contacts.map((contact) => [contact.id, { ...contact, lastSeenAt: contact.firstSeenAt }]))
  }
}

/** Ids that are the same whenever it is begun again. */
const counted = () => {
  let minted = 0
  return () => `new-${++minted}`
}

const classify = (store: MemoryStore, requests: ReadonlyArray<Request>, limits: IdentityLimits): Classified<Request> =>
  classifyGroup(requests, knowledgeOf(store, requests), { mint: counted(), limits, now: store.now(), listens: false })

/** A store after the first half of a history, and the requests of its second half. */
const groupOf = (seed: number, limits: IdentityLimits) => {
  const store = makeMemoryStore(limits)
  const requests: Array<Request> = []
  for (const [n, happening] of historyOf(seed, 30).entries()) {
    const event = eventOf(happening, store)
    if (event === undefined) continue
    if (n >= 18) {
      if (event._tag === "Asserted") requests.push(request(event.assertion, event.occurredAt))
      continue
    }
    if (event._tag === "DayPassed") store.pass(86_400_000_000)
    if (event._tag === "Cut") store.cut(event.one, event.other)
    if (event._tag === "Merged") store.merge(event.one, event.other)
    if (event._tag === "Erased")
      store.erase({ kind: event.value.includes("@") ? "email" : "external", value: event.value })
    if (event._tag === "Asserted") store.assert(event.assertion, event.occurredAt)
  }
  return { store, requests }
}

/** What `decide` is told when the request comes alone. */
const snapshotFor = (store: MemoryStore, { assertion }: Request): Snapshot => {
  const known = assertion.keys.flatMap((key) => store.key(key) ?? [])
  const owners = [...new Set(known.flatMap(({ contactId }) => contactId ?? []))].map(store.contact)
  const keys: ReadonlyArray<KeyState> = [...known, ...owners.flatMap((owner: ContactState) => owner.keys)]
  return {
    now: store.now(),
    keys: new Map(keys.map((key) => [slotOf(key.kind, key.value), key])),
    contacts: new Map(owners.map((owner) => [owner.id, owner])),
    erased: new Map(
      assertion.keys.flatMap((key) => {
        const at = store.key(key) === undefined ? store.erasedAt(key) : undefined
        return at === undefined ? [] : [[slotOf(key.kind, key.value), at]]
      })
    ),
    cuts: store.cuts().filter((cut) => cut.every((id) => owners.some((owner) => owner.id === id)))
  }
}

/** The strings and the contacts that a request is about. */
const touchedBy = (store: MemoryStore, one: Request): ReadonlyArray<string> => [
  ...slotsOf(one),
  ...one.assertion.keys.flatMap((key) => store.key(key)?.contactId ?? [])
]

const occurred = { together: 0, fresh: 0, alone: 0, later: 0 }

describe("classifyGroup", () => {
  it.prop(
    "whoever goes together takes the steps that it would take alone, and changes no key that was there",
    [Seed],
    ([seed]) => {
      for (const limits of [{}, tightLimits]) {
        const { requests, store } = groupOf(seed, limits)
        const { alone, later, together } = classify(store, requests, limits)
        assert.sameMembers([...together.map(({ request }) => request), ...alone, ...later], requests)
        occurred.together += together.length
        occurred.alone += alone.length
        occurred.later += later.length
        for (const { decision, fresh, request } of together) {
          if (fresh) occurred.fresh += 1
          const snapshot = snapshotFor(store, request)
          // The graves of new keys are looked up when they are claimed.
          if (fresh && snapshot.erased.size > 0) continue
          const occurredAt = request.occurredAt.getTime() * 1000
          const expected = decide(request.assertion, snapshot, { mint: counted(), occurredAt, limits })
          if (expected._tag !== "Resolved") return assert.fail(`It would be ${expected._tag} alone`)
          const stepsOf = (steps: typeof decision.steps) =>
            steps.map((step) => [step._tag, step._tag === "ClaimKey" && step.kind !== "contact" ? step.value : ""])
          assert.deepStrictEqual(stepsOf(decision.steps), stepsOf(expected.steps))
          assert.strictEqual(decision.contact === null, expected.contact === null)
          assert.deepStrictEqual(expected.erased, [], "who is to be told of an erasure goes alone")
          assert.strictEqual(decision.wasIdentified, expected.wasIdentified)
          if (!fresh) assert.strictEqual(decision.keyId, expected.keyId)
          assert.isTrue(decision.steps.every(({ _tag }) => fresh && (_tag === "CreateContact" || _tag === "ClaimKey")))
        }
      }
    },
    runs
  )

  it.prop(
    "nobody overtakes: whoever is about somebody who goes alone, is new or comes later, comes later too, and nobody else does",
    [Seed],
    ([seed]) => {
      const { requests, store } = groupOf(seed, {})
      const { alone, later, together } = classify(store, requests, {})
      const fresh = new Set(together.filter((candidate) => candidate.fresh).map(({ request }) => request))
      const taken = new Set<string>()
      for (const one of requests) {
        const touched = touchedBy(store, one)
        const isBehind = touched.some((string) => taken.has(string))
        assert.strictEqual(later.includes(one), isBehind)
        if (isBehind || alone.includes(one) || fresh.has(one)) for (const string of touched) taken.add(string)
      }
    },
    runs
  )

  it.prop(
    "taken group by group, it ends as if each had come alone, one after the other",
    [Seed],
    ([seed]) => {
      for (const limits of [{}, tightLimits]) {
        const { requests, store: expected } = groupOf(seed, limits)
        for (const one of requests) expected.assert(one.assertion, one.occurredAt.getTime() * 1000)
        const { store } = groupOf(seed, limits)
        let waiting: ReadonlyArray<Request> = requests
        while (waiting.length > 0) {
          const { alone, later, together } = classify(store, waiting, limits)
          for (const one of [...together.map(({ request }) => request), ...alone]) {
            store.assert(one.assertion, one.occurredAt.getTime() * 1000)
          }
          assert.isBelow(later.length, waiting.length, "each group stores somebody")
          waiting = later
        }
        const portraits = (of: MemoryStore) => of.contactIds().map((id) => portraitOf(of.contact(id)))
        const named = (of: MemoryStore) =>
          portraits(of).map(({ contactKey, keys }) => ({
            keys,
            user: keys.includes(`external:${contactKey}`) ? contactKey : undefined
          }))
        assert.sameDeepMembers(named(store), named(expected))
        const nobodys = (of: MemoryStore) =>
          of.keys().flatMap(({ contactId, value }) => (contactId === null ? [value] : []))
        assert.sameMembers(nobodys(store), nobodys(expected))
      }
    },
    runs
  )

  it("who names a key whose past is an erased person's goes alone, to be told so", () => {
    const store = makeMemoryStore()
    store.assert(says({ email: "e@x.co" }))
    store.erase({ kind: "email", value: "e@x.co" })
    const both = says({ userId: "u", email: "e@x.co" }, { restores: true })
    store.assert(both)
    const [late, now] = [request(both, 0), request(both, 1_000_000)]
    assert.deepStrictEqual(classify(store, [late], {}).alone, [late])
    assert.strictEqual(classify(store, [now], {}).together[0]?.request, now)
  })

  it("all of it occurs", () => {
    for (const [what, times] of Object.entries(occurred)) assert.isAbove(times, 0, what)
  })
})
