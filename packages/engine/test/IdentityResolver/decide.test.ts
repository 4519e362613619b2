/** The rules of identity, one test each, on a store in memory: joining, surviving, naming. */
import { assert, describe, it } from "@effect/vitest"
import { contactKeyOf } from "../../src/IdentityResolver/snapshot.ts"
import type { Named } from "./assertions.ts"
import { asDevice, asPublic, asUser, device, lands, observing, refusals, setup, stepsOf, tags } from "./setup.ts"

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
