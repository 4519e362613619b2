/** The rules of identity, one test each: what callers without a token, and with one, may make of their keys. */
import { assert, describe, it } from "@effect/vitest"
import { asDevice, asProvenUser, asPublic, asUser, device, lands, observing, refusals, setup, tags } from "./setup.ts"

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
