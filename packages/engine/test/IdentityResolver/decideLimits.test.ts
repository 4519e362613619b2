/** The rules of identity, one test each: how much may come to one contact. */
import { assert, describe, it } from "@effect/vitest"
import type { KeyState } from "../../src/IdentityResolver/snapshot.ts"
import { certifiedId, type Named } from "./assertions.ts"
import { asDevice, asProvenUser, asPublic, asUser, device, observing, refusals, setup, stepsOf, tags } from "./setup.ts"

const day = 86_400_000_000

describe("decide: keys per contact and kind", () => {
  it.each<readonly [string, Named, (n: number) => Named]>([
    ["emails", { userId: "u1" }, (n) => ({ email: `e${n}@x.co` })],
    ["anonymous ids of a user", { userId: "u1" }, (n) => ({ anonymousId: `a${n}` })],
    ["anonymous ids of an address", { email: "e@x.co" }, (n) => ({ anonymousId: `a${n}` })]
  ])("%s: the one over the limit is left out, and says so each time", (_, who, nth) => {
    const { contact, say } = setup({ keys: { email: 2, anonymous: 2 } })
    for (const n of [1, 2]) assert.deepStrictEqual(refusals(say({ ...who, ...nth(n) })), [])
    const third = nth(3).email ?? nth(3).anonymousId ?? ""
    for (const _again of [1, 2]) {
      assert.deepStrictEqual(refusals(say({ ...who, ...nth(3) })), [[third, "too_many_keys"]])
    }
    const kind = nth(3).email === undefined ? "anonymous" : "email"
    assert.lengthOf(
      contact(who.userId ?? "e@x.co").keys.filter((key) => key.kind === kind),
      2
    )
  })

  it("without options 50 emails and 500 anonymous ids", () => {
    for (const [count, nth] of [
      [50, (n: number) => ({ email: `e${n}@x.co` })],
      [500, (n: number) => ({ anonymousId: `a${n}` })]
    ] as const) {
      const { say } = setup()
      for (let n = 0; n < count; n++) assert.deepStrictEqual(refusals(say({ userId: "u1", ...nth(n) })), [])
      assert.lengthOf(refusals(say({ userId: "u1", ...nth(count) })), 1)
    }
  })

  it("the weakest key is left out, and the rest goes on", () => {
    const { contactId, key, say, together } = setup({ keys: { anonymous: 1 } })
    say({ userId: "u1", anonymousId: "a1" })
    const decision = say({ userId: "u1", email: "e1@x.co", anonymousId: "a2" })
    assert.deepStrictEqual(refusals(decision), [["a2", "too_many_keys"]])
    assert.isTrue(together("u1", "e1@x.co", "a1"))
    assert.include(decision, { keyId: key("u1").id })
    assert.strictEqual(contactId("e1@x.co"), contactId("u1"))
  })

  it("and what is weaker still goes on too", () => {
    const { say, together } = setup({ keys: { email: 1 } })
    say({ userId: "u1", email: "e1@x.co" })
    assert.deepStrictEqual(refusals(say({ userId: "u1", email: "e2@x.co", anonymousId: "a1" })), [
      ["e2@x.co", "too_many_keys"]
    ])
    assert.isTrue(together("u1", "a1"))
  })

  it("one that was never seen is kept as nobody's, and named by the refusal, so that it can be added later", () => {
    const { key, say, store } = setup({ keys: { anonymous: 1 } })
    say({ userId: "u1", anonymousId: "a1" })
    const decision = say({ userId: "u1", anonymousId: "a2" })
    assert.isNull(key("a2").contactId)
    assert.deepInclude(
      stepsOf(decision).find(({ _tag }) => _tag === "RefuseJoin"),
      { keyId: key("a2").id, contactId: key("u1").contactId, otherContactId: null }
    )
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: "a2" })), ["RefuseJoin"])
    assert.lengthOf(store.contactIds(), 1)
  })

  it("one that was only observed stays nobody's", () => {
    const { key, say } = setup({ keys: { anonymous: 1 } })
    say({ anonymousId: "a2" }, { ...asPublic, ...observing })
    say({ userId: "u1", anonymousId: "a1" })
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: "a2" })), ["RefuseJoin"])
    assert.isNull(key("a2").contactId)
  })

  it("a key that is the contact's already is none more", () => {
    const { say } = setup({ keys: { email: 1, anonymous: 1 } })
    say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })), [])
  })

  it.each<readonly [string, Named, Named, string]>([
    ["emails", { userId: "u1", email: "e1@x.co" }, { email: "e2@x.co" }, "e2@x.co"],
    ["anonymous ids", { userId: "u1", anonymousId: "a1" }, { anonymousId: "a2" }, "a2"]
  ])("a merge may not bring together more %s than one contact may have", (_, one, other, value) => {
    const { say, together } = setup({ keys: { email: 1, anonymous: 1 } })
    say(one)
    say(other)
    assert.deepStrictEqual(refusals(say({ userId: "u1", ...other })), [[value, "too_many_keys"]])
    assert.isFalse(together("u1", value))
  })

  it("a merge brings together as many as one contact may have", () => {
    const { say, together } = setup({ keys: { email: 2, anonymous: 2 } })
    say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    say({ email: "e2@x.co", anonymousId: "a2" })
    assert.deepStrictEqual(refusals(say({ userId: "u1", email: "e2@x.co" })), [])
    assert.isTrue(together("u1", "e1@x.co", "e2@x.co", "a1", "a2"))
  })

  it("a contact absorbs 50 in a day and 500 in all, when nothing else is said", () => {
    const day = setup()
    const all = setup({ keys: { anonymous: 1000 }, mergesPerDay: 1000 })
    for (const [{ say }, most, rule] of [
      [day, 50, "too_many_merges"],
      [all, 500, "too_many_keys"]
    ] as const) {
      say({ userId: "u1" })
      for (let n = 1; n <= most + 1; n++) {
        say({ anonymousId: `a${n}` })
        const expected = n <= most ? [] : [[`a${n}`, rule]]
        assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: `a${n}` })), expected)
      }
    }
  })

  it("a merge may not bring together more ids of absorbed contacts than one contact may have", () => {
    for (const as of [{}, asPublic]) {
      const { say } = setup({ keys: { contact: 1 } })
      say({ userId: "u1" })
      for (const anonymousId of ["a1", "a2"]) say({ anonymousId }, as)
      assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: "a1" })), ["Merge"])
      assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "a2" })), [["a2", "too_many_keys"]])
    }
  })

  it("one that has more than it may, by an operator's word, still joins one that has none", () => {
    const { contactId, say, store, together } = setup({ keys: { email: 1 } })
    for (const email of ["e1@x.co", "e2@x.co"]) say({ email })
    store.merge(contactId("e1@x.co"), contactId("e2@x.co"))
    say({ userId: "u1" })
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e1@x.co" })).slice(0, 1), ["Merge"])
    assert.isTrue(together("u1", "e1@x.co", "e2@x.co"))
  })

  it("a device that is named as a user counts where it goes", () => {
    const { contact, say } = setup({ keys: { anonymous: 1 } })
    say({ email: "e1@x.co", anonymousId: "a1" })
    say({ anonymousId: device }, { ...asDevice, ...observing })
    assert.deepStrictEqual(refusals(say({ userId: device, email: "e1@x.co" })), [["e1@x.co", "too_many_keys"]])
    assert.lengthOf(
      contact("e1@x.co").keys.filter(({ kind }) => kind === "anonymous"),
      1
    )
  })
})

describe("decide: counted per way of asserting", () => {
  const anonymous = (keys: ReadonlyArray<KeyState>) => keys.filter(({ kind }) => kind === "anonymous").length

  it("what comes with a user's token is not crowded out by servers", () => {
    const { contact, say } = setup({ keys: { anonymous: 2 } })
    for (const n of [1, 2, 3]) say({ userId: "u1", anonymousId: `s${n}` })
    for (const n of [1, 2]) assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: `t${n}` }, asUser)), [])
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "t3" }, asUser)), [["t3", "too_many_keys"]])
    assert.strictEqual(anonymous(contact("u1").keys), 4)
  })

  it("nor what a server says by what comes with a user's token", () => {
    const { say } = setup({ keys: { anonymous: 2 } })
    for (const n of [1, 2, 3]) say({ userId: "u1", anonymousId: `t${n}` }, asUser)
    for (const n of [1, 2]) assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: `s${n}` })), [])
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "s3" })), [["s3", "too_many_keys"]])
  })

  it("what an operator brought crowds out nobody", () => {
    const { contactId, say, store } = setup({ keys: { contact: 3 }, mergesPerDay: 2 })
    say({ userId: "u1" })
    for (const n of [1, 2, 3, 4, 5, 6]) say({ anonymousId: `a${n}` })
    for (const n of [1, 2, 3, 4]) store.merge(contactId("u1"), contactId(`a${n}`))
    for (const n of [5, 6]) assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: `a${n}` })), ["Merge"])
  })

  it("a merge by a user's token is not refused for what servers merged that day, and the other way round", () => {
    const { say } = setup({ mergesPerDay: 1 })
    say({ userId: "u1" })
    const devices = [1, 2, 3, 4].map(certifiedId)
    for (const anonymousId of devices) say({ anonymousId }, asDevice)
    const [d1, d2, d3, d4] = devices
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: d1 })), ["Merge"])
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: d2 }, asProvenUser)), ["Merge"])
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: d3 })), [[d3, "too_many_merges"]])
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: d4 }, asProvenUser)), [[d4, "too_many_merges"]])
  })
})

describe("decide: merges per contact and day", () => {
  it("the one over the limit stays where it is, until a day has passed", () => {
    const { contactId, say, store, together } = setup({ mergesPerDay: 2 })
    say({ userId: "u1" })
    for (const n of [1, 2, 3]) say({ anonymousId: `a${n}` })
    for (const n of [1, 2]) assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: `a${n}` })), ["Merge"])
    const before = contactId("a3")
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "a3" })), [["a3", "too_many_merges"]])
    assert.strictEqual(contactId("a3"), before)
    store.pass(day - 4)
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "a3" })), [["a3", "too_many_merges"]])
    assert.deepStrictEqual(tags(say({ userId: "u1", anonymousId: "a3" })), ["Merge"])
    assert.isTrue(together("u1", "a1", "a2", "a3"))
  })

  it("what either side absorbed that day counts", () => {
    const { say } = setup({ mergesPerDay: 2 })
    for (const anonymousId of ["a1", "a2", "a3"]) say({ anonymousId })
    for (const email of ["e1@x.co", "e2@x.co"]) say({ email })
    say({ email: "e1@x.co", anonymousId: "a1" })
    say({ email: "e2@x.co", anonymousId: "a2" })
    say({ userId: "u1", email: "e1@x.co" })
    assert.deepStrictEqual(refusals(say({ userId: "u1", email: "e2@x.co" })), [["e2@x.co", "too_many_merges"]])
  })

  it("what the same request merged before counts", () => {
    const { say, store, together } = setup({ mergesPerDay: 1 })
    for (const named of [{ userId: "u1" }, { email: "e1@x.co" }, { anonymousId: "a1" }]) say(named)
    store.pass(2 * day)
    const decision = say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(decision), [["a1", "too_many_merges"]])
    assert.isTrue(together("u1", "e1@x.co"))
  })

  it("by the store's clock: what says that it happened long ago counts as well", () => {
    const { say, sayLate, store } = setup({ mergesPerDay: 1 })
    store.pass(2 * day)
    say({ userId: "u1" })
    for (const n of [1, 2]) say({ anonymousId: `a${n}` })
    assert.deepStrictEqual(tags(sayLate({ userId: "u1", anonymousId: "a1" })), ["Merge"])
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "a2" })), [["a2", "too_many_merges"]])
  })

  it("a key that links is no merge, and neither is a contact that is made for the request", () => {
    const { say } = setup({ mergesPerDay: 1 })
    say({ anonymousId: "a1" })
    say({ email: "e1@x.co" })
    assert.deepStrictEqual(tags(say({ email: "e1@x.co", anonymousId: "a1" })), ["Merge"])
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e1@x.co" })), ["ClaimKey", "PlaceKey"])
    assert.deepStrictEqual(tags(say({ userId: "u1", email: "e2@x.co" })), ["ClaimKey"])
  })
})
