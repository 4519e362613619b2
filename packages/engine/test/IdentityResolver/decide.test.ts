/** The rules of identity, one test each, on a store in memory. */
import { assert, describe, it } from "@effect/vitest"
import type { Decision } from "../../src/IdentityResolver/decide.ts"
import type { Step } from "../../src/IdentityResolver/Step.ts"
import {
  type Assertion,
  canonicalAnonymousOf,
  contactKeyOf,
  currentEmailOf,
  type KeyState
} from "../../src/IdentityResolver/snapshot.ts"
import { certifiedId, type Named, says } from "./assertions.ts"
import { makeMemoryStore } from "./MemoryStore.ts"

const setup = () => {
  const store = makeMemoryStore()
  const kindOf = (value: string): KeyState["kind"] => (value.includes("@") ? "email" : "external")
  const key = (value: string) => {
    const found = store.key({ kind: kindOf(value), value })
    if (found === undefined) throw new Error(`No key ${value}`)
    return found
  }
  const contact = (value: string) => {
    const found = store.contactOf({ kind: kindOf(value), value })
    if (found === undefined) throw new Error(`Nobody holds ${value}`)
    return found
  }
  return {
    store,
    key,
    contact,
    contactId: (value: string) => contact(value).id,
    together: (...values: ReadonlyArray<string>) => new Set(values.map((value) => contact(value).id)).size === 1,
    say: (named: Named, as?: Partial<Assertion>) => store.assert(says(named, as)),
    /** Of something that happened before everything else. */
    sayLate: (named: Named, as?: Partial<Assertion>) => store.assert(says(named, as), 0)
  }
}

const stepsOf = (decision: Decision): ReadonlyArray<Step> => (decision._tag === "Resolved" ? decision.steps : [])
const tags = (decision: Decision) => stepsOf(decision).map(({ _tag }) => _tag)
const refusals = (decision: Decision) =>
  stepsOf(decision).flatMap((step) => (step._tag === "RefuseJoin" ? [[step.key.value, step.rule]] : []))
const lands = (decision: Decision) => (decision._tag === "Resolved" ? decision.contact?.id : undefined)

const asPublic = { vouchedBy: "public", anonymousProven: false } as const
const asDevice = { vouchedBy: "device" } as const
const asUser = { vouchedBy: "user", anonymousProven: false } as const
const asProvenUser = { vouchedBy: "user" } as const
const observing = { observesOnly: true } as const
const device = certifiedId(1)

describe("decide: joining", () => {
  it("makes one contact with its own id and every asserted key, and hangs what was sent on the strongest", () => {
    const { contact, key, say, together } = setup()
    const decision = say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    assert.isTrue(together("u1", "e1@x.co", "a1"))
    const { id, keys } = contact("u1")
    assert.deepStrictEqual(keys.map(({ kind }) => kind).toSorted(), ["anonymous", "contact", "email", "external"])
    assert.strictEqual(keys.find(({ kind }) => kind === "contact")?.value, id)
    assert.include(decision, { _tag: "Resolved", keyId: key("u1").id })
    const withoutUser = say({ email: "e1@x.co", anonymousId: "a1" })
    assert.include(withoutUser, { _tag: "Resolved", keyId: key("e1@x.co").id })
  })

  it("takes the strongest first: an email's contact gets the anonymous id, and the user id's gets both", () => {
    const { contactId, say } = setup()
    say({ email: "e1@x.co" })
    const email = contactId("e1@x.co")
    say({ userId: "u1" })
    const user = contactId("u1")
    assert.strictEqual(lands(say({ email: "e1@x.co", anonymousId: "a1" })), email)
    assert.strictEqual(lands(say({ userId: "u1", email: "e1@x.co" })), user)
    assert.strictEqual(contactId("a1"), user)
  })

  it("links a key that was only observed", () => {
    const { contactId, say, together } = setup()
    say({ anonymousId: "a1" }, { ...asPublic, ...observing })
    say({ userId: "u1" })
    const user = contactId("u1")
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: "a1" })), ["LinkKey"])
    assert.isTrue(together("u1", "a1"))
    assert.strictEqual(contactId("a1"), user)
  })

  it("merges two contacts by a key that is asserted together with the other's", () => {
    const { contactId, say, store, together } = setup()
    say({ anonymousId: "a1" })
    say({ userId: "u1" })
    const [absorbed, survivor] = [contactId("a1"), contactId("u1")]
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: "a1" })), ["Merge"])
    assert.isTrue(together("u1", "a1", absorbed))
    assert.strictEqual(store.mergedInto(absorbed), survivor)
  })

  it("merges more than two contacts in one request", () => {
    const { say, store, together } = setup()
    say({ anonymousId: "a1" })
    say({ email: "e1@x.co" })
    say({ userId: "u1" })
    say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    assert.isTrue(together("u1", "e1@x.co", "a1"))
    assert.strictEqual(store.contactIds().length, 1)
  })

  it("never brings two external ids together: by an email", () => {
    const { contactId, say, sayLate, together } = setup()
    say({ userId: "u1", email: "e1@x.co" })
    const first = contactId("u1")
    const decision = sayLate({ userId: "u2", email: "e1@x.co" })
    assert.deepStrictEqual(refusals(decision), [["e1@x.co", "two_external_ids"]])
    assert.isFalse(together("u1", "u2"))
    assert.strictEqual(contactId("e1@x.co"), first)
  })

  it("never brings two external ids together: by an anonymous id", () => {
    const { say, together } = setup()
    say({ userId: "u1", anonymousId: "a1" })
    say({ userId: "u2" })
    assert.deepStrictEqual(refusals(say({ userId: "u2", anonymousId: "a1" })), [["a1", "two_external_ids"]])
    assert.isTrue(together("u1", "a1"))
    assert.isFalse(together("u1", "u2"))
  })

  it("never brings two external ids together: by a user id that is sent as an anonymous id", () => {
    const { say, together } = setup()
    say({ userId: "u1" })
    assert.deepStrictEqual(refusals(say({ userId: "u2", anonymousId: "u1" })), [["u1", "two_external_ids"]])
    assert.isFalse(together("u1", "u2"))
  })

  it("never brings two emails together by an anonymous id", () => {
    const { say, together } = setup()
    say({ email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(say({ email: "e2@x.co", anonymousId: "a1" })), [["a1", "two_emails"]])
    assert.isTrue(together("e1@x.co", "a1"))
    assert.isFalse(together("e1@x.co", "e2@x.co"))
  })

  it("never brings two emails together by an anonymous id, also where one side has an external id", () => {
    const { say, together } = setup()
    say({ userId: "u1", email: "e1@x.co" })
    say({ email: "e2@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "a1" })), [["a1", "two_emails"]])
    assert.isFalse(together("e1@x.co", "e2@x.co"))
  })

  it("brings two emails together by an email that stands with the user id", () => {
    const { say, together } = setup()
    say({ userId: "u1", email: "e1@x.co" })
    say({ email: "e2@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(say({ userId: "u1", email: "e2@x.co" })), [])
    assert.isTrue(together("u1", "e1@x.co", "e2@x.co", "a1"))
  })

  it("leaves a key that may not join where it is, and goes on with the rest", () => {
    const { contactId, say, sayLate, together } = setup()
    say({ userId: "u1", email: "e1@x.co" })
    say({ anonymousId: "a1" })
    const first = contactId("u1")
    const decision = sayLate({ userId: "u2", email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(decision), [["e1@x.co", "two_external_ids"]])
    assert.isTrue(together("u2", "a1"))
    assert.strictEqual(contactId("e1@x.co"), first)
    assert.notStrictEqual(contactId("u2"), first)
  })

  it("changes nothing when it hears the same again", () => {
    const { say } = setup()
    say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })), [])
  })
})

describe("decide: who survives a merge", () => {
  const merged = (order: ReadonlyArray<Named>, together: Named, backdated?: string) => {
    const { contactId, say, store } = setup()
    for (const named of order) say(named)
    if (backdated !== undefined) store.backdate(contactId(backdated), 0)
    const before = (value: string) => contactId(value)
    const ids = { a: before("a1"), e: before("e1@x.co") }
    say(together)
    return { ids, survivor: contactId("e1@x.co") }
  }

  it("the one with an external id, however young", () => {
    const { ids, survivor } = merged(
      [{ anonymousId: "a1" }, { userId: "u1", email: "e1@x.co" }],
      { email: "e1@x.co", anonymousId: "a1" },
      "a1"
    )
    assert.strictEqual(survivor, ids.e)
  })

  it("the one with an external id, also when it is named by the weaker key", () => {
    const { ids, survivor } = merged([{ email: "e1@x.co" }, { userId: "u1", anonymousId: "a1" }], {
      email: "e1@x.co",
      anonymousId: "a1"
    })
    assert.strictEqual(survivor, ids.a)
  })

  it("then the oldest", () => {
    const sets = [{ anonymousId: "a1" }, { email: "e1@x.co" }]
    const together = { email: "e1@x.co", anonymousId: "a1" }
    const first = merged(sets, together)
    assert.strictEqual(first.survivor, first.ids.a)
    const second = merged(sets.toReversed(), together)
    assert.strictEqual(second.survivor, second.ids.e)
  })

  it("then the lowest id", () => {
    for (const order of [
      ["a1", "e1@x.co"],
      ["e1@x.co", "a1"]
    ]) {
      const { contactId, say, store } = setup()
      for (const value of order) say(value === "a1" ? { anonymousId: "a1" } : { email: "e1@x.co" })
      const ids = [contactId("a1"), contactId("e1@x.co")]
      for (const id of ids) store.backdate(id, 0)
      say({ email: "e1@x.co", anonymousId: "a1" })
      assert.strictEqual(contactId("a1"), ids.toSorted()[0])
    }
  })

  it("never a contact that was made for the request: it is not made at all, and leaves no id of its own", () => {
    const { contactId, key, say, store } = setup()
    say({ anonymousId: "a1" })
    const before = contactId("a1")
    const decision = say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(tags(decision), ["ClaimKey", "ClaimKey"])
    assert.strictEqual(lands(decision), before)
    assert.deepStrictEqual(store.contactIds(), [before])
    assert.strictEqual(key("u1").contactId, before)
    assert.strictEqual(store.keys().filter(({ kind }) => kind === "contact").length, 1)
  })

  it("never a contact that was made for the request, also when it took a promoted or an observed key along", () => {
    const { contactId, say, store } = setup()
    say({ userId: "u1", anonymousId: "u2" })
    say({ email: "e1@x.co" })
    const before = contactId("e1@x.co")
    assert.strictEqual(lands(say({ userId: "u2", email: "e1@x.co" })), before)
    assert.deepStrictEqual(store.contactIds().toSorted(), [contactId("u1"), before].toSorted())

    say({ anonymousId: device }, { ...asDevice, ...observing })
    say({ email: "e2@x.co" })
    const other = contactId("e2@x.co")
    assert.strictEqual(lands(say({ userId: device, email: "e2@x.co" })), other)
    assert.strictEqual(contactId(device), other)
  })

  it("is whom a refused key is told of, also when the fresh contact gave way after the refusal", () => {
    const { contactId, say, sayLate } = setup()
    say({ userId: "u1", email: "e1@x.co" })
    say({ anonymousId: "a1" })
    const [refused] = stepsOf(sayLate({ userId: "u2", email: "e1@x.co", anonymousId: "a1" })).filter(
      (step) => step._tag === "RefuseJoin"
    )
    assert.strictEqual(refused?.contactId, contactId("a1"))
    assert.strictEqual(refused?.otherContactId, contactId("u1"))
  })
})

describe("decide: naming and promoting by a trusted user id", () => {
  it("a contact's own id names that contact, keeps its kind, and the real external id can still come", () => {
    const { contact, contactId, key, say, together } = setup()
    say({ email: "e1@x.co" })
    const id = contactId("e1@x.co")
    const decision = say({ userId: id, anonymousId: "a1" })
    assert.strictEqual(lands(decision), id)
    assert.strictEqual(key(id).kind, "contact")
    assert.isTrue(together("e1@x.co", "a1"))
    say({ userId: "u1", email: "e1@x.co" })
    assert.strictEqual(contactId("u1"), id)
    assert.strictEqual(contactKeyOf(contact(id)).contactKey, "u1")
  })

  it("the id of a contact that was merged away names the one that it became", () => {
    const { contactId, say } = setup()
    say({ anonymousId: "a1" })
    const gone = contactId("a1")
    say({ userId: "u1" })
    say({ userId: "u1", anonymousId: "a1" })
    assert.strictEqual(lands(say({ userId: gone })), contactId("u1"))
  })

  it("a certified anonymous id names its contact, keeps its kind, and the real external id can still come", () => {
    const { contactId, key, say } = setup()
    say({ anonymousId: device }, asDevice)
    const id = contactId(device)
    assert.deepStrictEqual(tags(say({ userId: device })), [])
    assert.include(key(device), { kind: "anonymous", certified: true })
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: device })), ["ClaimKey"])
    assert.strictEqual(contactId("u1"), id)
  })

  it("a certified anonymous id that was only observed gets a contact by being named, and keeps its kind", () => {
    const { contact, key, say } = setup()
    say({ anonymousId: device }, { ...asDevice, ...observing })
    say({ userId: device })
    assert.strictEqual(key(device).kind, "anonymous")
    assert.isFalse(contactKeyOf(contact(device)).safeToIdentify)
  })

  it("any other anonymous id becomes the external id of its contact", () => {
    const { contact, contactId, key, say } = setup()
    say({ anonymousId: "u1" }, asPublic)
    const id = contactId("u1")
    assert.deepStrictEqual(tags(say({ userId: "u1" })), ["PromoteKey"])
    assert.strictEqual(key("u1").kind, "external")
    assert.strictEqual(contactId("u1"), id)
    assert.deepStrictEqual(contactKeyOf(contact("u1")), {
      contactKey: "u1",
      contactKeyKind: "external",
      safeToIdentify: true
    })
  })

  it("by a token as by a secret key", () => {
    const { key, say } = setup()
    say({ anonymousId: "u1" }, asPublic)
    say({ userId: "u1" }, asUser)
    assert.strictEqual(key("u1").kind, "external")
  })

  it("any other anonymous id that was only observed becomes the external id of a new contact", () => {
    const { key, say, store } = setup()
    say({ anonymousId: "u1" }, { ...asPublic, ...observing })
    say({ userId: "u1" })
    assert.strictEqual(key("u1").kind, "external")
    assert.strictEqual(store.contactIds().length, 1)
  })

  it("any other anonymous id leaves a contact that has an external id already, for a contact of its own", () => {
    const { contactId, key, say, together } = setup()
    say({ userId: "u1", anonymousId: "u2" })
    const first = contactId("u1")
    say({ userId: "u2" })
    assert.isFalse(together("u1", "u2"))
    assert.strictEqual(contactId("u1"), first)
    assert.strictEqual(key("u2").kind, "external")
  })

  it("a promoted key is closed to token-less callers", () => {
    const { say } = setup()
    say({ anonymousId: "u1" }, asPublic)
    say({ userId: "u1" })
    assert.strictEqual(say({ anonymousId: "u1" }, asPublic)._tag, "Denied")
    assert.strictEqual(say({ anonymousId: "u1" }, { ...asPublic, ...observing })._tag, "Denied")
  })

  it("an anonymous id never promotes, whatever it names", () => {
    const { key, say } = setup()
    say({ anonymousId: "a1" })
    say({ email: "e1@x.co", anonymousId: "a1" })
    assert.strictEqual(key("a1").kind, "anonymous")
  })
})

describe("decide: callers without a token", () => {
  it("observation makes a key and no contact", () => {
    const { key, say, store } = setup()
    const decision = say({ anonymousId: "a1" }, { ...asPublic, ...observing })
    assert.deepStrictEqual(tags(decision), ["ClaimKey"])
    assert.isNull(key("a1").contactId)
    assert.deepStrictEqual(store.contactIds(), [])
    assert.deepInclude(decision, { contact: null, wasIdentified: false, keyId: key("a1").id })
    assert.deepStrictEqual(tags(say({ anonymousId: "a1" }, { ...asPublic, ...observing })), [])
  })

  it("observation of somebody's key lands on the contact", () => {
    const { contactId, say } = setup()
    say({ anonymousId: "a1" }, asPublic)
    assert.strictEqual(lands(say({ anonymousId: "a1" }, { ...asPublic, ...observing })), contactId("a1"))
  })

  it("an observed key gets a contact when something is written to it", () => {
    const { key, say, store } = setup()
    say({ anonymousId: "a1" }, { ...asPublic, ...observing })
    say({ anonymousId: "a1" }, asPublic)
    assert.deepStrictEqual<unknown>(store.contactIds(), [key("a1").contactId])
  })

  const world = () => {
    const made = setup()
    made.say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    made.say({ userId: "u1", anonymousId: device })
    made.say({ anonymousId: "free" }, asPublic)
    return { ...made, user: made.contactId("u1") }
  }

  it.each([
    ["an unknown anonymous id", "new", "Resolved"],
    ["an anonymous id of nobody who is identified", "free", "Resolved"],
    ["an anonymous id of an identified contact", "a1", "Denied"],
    ["an external id", "u1", "Denied"]
  ])("an uncertified caller with %s: %s is %s", (_, anonymousId, tag) => {
    for (const observesOnly of [true, false]) {
      const { say } = world()
      assert.strictEqual(say({ anonymousId }, { ...asPublic, observesOnly })._tag, tag)
    }
  })

  it("no caller without a token may act as a contact's own id, identified or not", () => {
    const { contactId, say, user } = world()
    for (const anonymousId of [user, contactId("free")]) {
      assert.strictEqual(say({ anonymousId }, asPublic)._tag, "Denied")
      assert.strictEqual(say({ anonymousId }, asDevice)._tag, "Denied")
    }
  })

  it("a contact that is identified by an email alone is as closed", () => {
    const { say } = setup()
    say({ email: "e1@x.co", anonymousId: "a1" })
    assert.strictEqual(say({ anonymousId: "a1" }, asPublic)._tag, "Denied")
  })

  it("a certified caller lands on its identified contact, and changes nothing", () => {
    const { say, user } = world()
    const decision = say({ anonymousId: device }, asDevice)
    assert.deepInclude(decision, { _tag: "Resolved", steps: [], wasIdentified: true })
    assert.strictEqual(lands(decision), user)
  })

  it("says whether the contact was identified before the request, not after it", () => {
    const { say } = setup()
    say({ anonymousId: "a1" }, asPublic)
    assert.include(say({ userId: "u1", anonymousId: "a1" }), { wasIdentified: false })
    assert.include(say({ userId: "u1", anonymousId: "a1" }), { wasIdentified: true })
  })

  it("a denied assertion leaves no step", () => {
    const { say, store } = world()
    const before = JSON.stringify(store.keys())
    say({ anonymousId: "a1" }, asPublic)
    assert.strictEqual(JSON.stringify(store.keys()), before)
  })
})

describe("decide: callers with a token", () => {
  it.each([
    ["unknown", "new", asUser],
    ["of nobody who is identified", "free", asUser],
    ["certified and proven, of an email's contact", device, asProvenUser]
  ] as const)("an anonymous id that is %s joins the user", (_, anonymousId, as) => {
    const { say, together } = setup()
    say({ anonymousId: "free" }, asPublic)
    say({ email: "e1@x.co", anonymousId: device })
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId }, as)), [])
    assert.isTrue(together("u1", anonymousId))
  })

  it("an uncertified anonymous id of an identified contact stays where it is: anonymous_not_joined", () => {
    for (const holder of [{ userId: "u2" }, { email: "e2@x.co" }]) {
      const { contactId, say, together } = setup()
      say({ ...holder, anonymousId: "a1" })
      const before = contactId("a1")
      const decision = say({ userId: "u1", anonymousId: "a1" }, asUser)
      assert.deepStrictEqual(refusals(decision), [["a1", "anonymous_not_joined"]])
      assert.strictEqual(contactId("a1"), before)
      assert.isFalse(together("u1", "a1"))
    }
  })

  it("a contact's own id is no anonymous id to join by: anonymous_not_joined", () => {
    const { contactId, say } = setup()
    say({ anonymousId: "a1" }, asPublic)
    const decision = say({ userId: "u1", anonymousId: contactId("a1") }, asUser)
    assert.deepStrictEqual(refusals(decision), [[contactId("a1"), "anonymous_not_joined"]])
  })

  it("the anonymous id that is the user's already is no news", () => {
    const { say } = setup()
    say({ userId: "u1", anonymousId: "a1" })
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: "a1" }, asUser)), [])
  })

  it("a proven anonymous id never brings two external ids together", () => {
    const { say } = setup()
    say({ userId: "u2", anonymousId: device })
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: device }, asProvenUser)), [
      [device, "two_external_ids"]
    ])
  })
})

describe("decide: the contact key and the email", () => {
  it("is the external id, else the anonymous id, else the contact's own id", () => {
    const { contact, contactId, say } = setup()
    say({ email: "e1@x.co" })
    const id = contactId("e1@x.co")
    assert.deepStrictEqual(contactKeyOf(contact(id)), {
      contactKey: id,
      contactKeyKind: "contact",
      safeToIdentify: false
    })
    say({ email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(contactKeyOf(contact(id)), {
      contactKey: "a1",
      contactKeyKind: "anonymous",
      safeToIdentify: false
    })
    say({ userId: "u1", email: "e1@x.co" })
    assert.deepStrictEqual(contactKeyOf(contact(id)), {
      contactKey: "u1",
      contactKeyKind: "external",
      safeToIdentify: true
    })
  })

  it("takes the anonymous id that was asserted first, then the smallest", () => {
    const { contact, say } = setup()
    for (const anonymousId of ["a3", "a1", "a2"]) say({ email: "e1@x.co", anonymousId })
    assert.strictEqual(canonicalAnonymousOf(contact("a1"))?.value, "a3")
    const { keys, ...rest } = contact("a1")
    const atOnce = keys.map((key) => ({ ...key, firstAssertedAt: 0 }))
    assert.strictEqual(canonicalAnonymousOf({ ...rest, keys: atOnce })?.value, "a1")
    assert.strictEqual(canonicalAnonymousOf({ ...rest, keys: atOnce.toReversed() })?.value, "a1")
  })

  it("mail goes to the address that was asserted last together with the user id", () => {
    const { contact, say } = setup()
    say({ userId: "u1", email: "e1@x.co" })
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e2@x.co" })), ["ClaimKey"])
    assert.strictEqual(currentEmailOf(contact("u1"))?.value, "e2@x.co")
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e1@x.co" })), ["PreferKey"])
    assert.strictEqual(currentEmailOf(contact("u1"))?.value, "e1@x.co")
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e1@x.co" })), [])
  })

  it("of addresses that were preferred at once, or never, mail goes to the one asserted first, then the smallest", () => {
    const address = (value: string, firstAssertedAt: number, preferredAt: number | null): KeyState => ({
      id: value,
      kind: "email",
      value,
      contactId: "c",
      certified: false,
      firstAssertedAt,
      preferredAt,
      assertedBy: "server",
      placedAt: null,
      notBefore: null,
      toldTo: null
    })
    const mailOf = (keys: ReadonlyArray<KeyState>) => currentEmailOf({ keys })?.value
    for (const preferredAt of [null, 7]) {
      const keys = [address("a@x.co", 2, preferredAt), address("z@x.co", 1, preferredAt)]
      assert.strictEqual(mailOf(keys), "z@x.co")
      assert.strictEqual(mailOf(keys.toReversed()), "z@x.co")
      const atOnce = [...keys, address("y@x.co", 1, preferredAt)]
      assert.strictEqual(mailOf(atOnce), "y@x.co")
      assert.strictEqual(mailOf(atOnce.toReversed()), "y@x.co")
      assert.strictEqual(mailOf([...atOnce, address("b@x.co", 3, 8)]), "b@x.co")
    }
  })

  it("an address that is asserted without the user id is not preferred", () => {
    const { contact, contactId, say } = setup()
    say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    say({ userId: "u1", email: "e2@x.co" })
    say({ email: "e1@x.co", anonymousId: "a1" })
    say({ userId: contactId("u1"), email: "e1@x.co" })
    assert.strictEqual(currentEmailOf(contact("u1"))?.value, "e2@x.co")
  })

  it("an address that comes by a merge is preferred when it was asserted together with the user id", () => {
    const { contact, say } = setup()
    say({ email: "e2@x.co" })
    say({ userId: "u1", email: "e1@x.co" })
    say({ userId: "u1", email: "e2@x.co" })
    assert.strictEqual(currentEmailOf(contact("u1"))?.value, "e2@x.co")
  })

  it("an address that comes by a merge without the user id is not preferred, however late it was asserted", () => {
    const { contact, contactId, say } = setup()
    say({ userId: "u1", email: "e1@x.co", anonymousId: device })
    say({ email: "e2@x.co" })
    say({ userId: device, email: "e2@x.co" })
    assert.strictEqual(currentEmailOf(contact("e2@x.co"))?.value, "e1@x.co")
    say({ email: "e3@x.co" })
    say({ userId: contactId("e3@x.co"), email: "e1@x.co" })
    assert.strictEqual(currentEmailOf(contact("e3@x.co"))?.value, "e1@x.co")
  })

  it("an address is preferred with a user id that is new to its contact", () => {
    const { contact, say } = setup()
    say({ anonymousId: device }, asDevice)
    say({ userId: device, email: "e1@x.co" })
    say({ userId: device, email: "e2@x.co" })
    say({ userId: "u1", email: "e1@x.co" })
    assert.strictEqual(currentEmailOf(contact("u1"))?.value, "e1@x.co")
  })
})
