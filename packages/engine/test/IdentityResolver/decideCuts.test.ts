/** The rules of identity, one test each: contacts that an operator split stay apart. */
import { assert, describe, it } from "@effect/vitest"
import { lands, refusals, setup, tags } from "./setup.ts"

/** A user and an address that are cut. */
const apart = () => {
  const made = setup()
  made.say({ userId: "u1", anonymousId: "a1" })
  made.say({ email: "e2@x.co", anonymousId: "a2" })
  made.cut("u1", "e2@x.co")
  return made
}

describe("decide: cuts", () => {
  it("an assertion with keys of both sides is applied to its strongest key's side: cut", () => {
    const { contactId, say } = apart()
    const [user, other] = [contactId("u1"), contactId("e2@x.co")]
    const byUser = say({ userId: "u1", email: "e2@x.co" })
    assert.deepStrictEqual(refusals(byUser), [["e2@x.co", "cut"]])
    assert.strictEqual(lands(byUser), user)
    const byEmail = say({ email: "e2@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(byEmail), [["a1", "cut"]])
    assert.strictEqual(lands(byEmail), other)
    assert.strictEqual(contactId("e2@x.co"), other)
    assert.strictEqual(contactId("a1"), user)
  })

  it("what is new in such an assertion comes to the strongest key's side", () => {
    const { contactId, say } = apart()
    const decision = say({ userId: "u1", email: "e2@x.co", anonymousId: "a3" })
    assert.deepStrictEqual(refusals(decision), [["e2@x.co", "cut"]])
    assert.strictEqual(contactId("a3"), contactId("u1"))
  })

  it("a user's token does not join over it either", () => {
    const { cut, say, together } = setup()
    say({ userId: "u1" })
    say({ anonymousId: "a1" })
    cut("u1", "a1")
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "a1" }, { vouchedBy: "user" })), [["a1", "cut"]])
    assert.isFalse(together("u1", "a1"))
  })

  it("follows the merges of either side: A|B, B merges into C: A|C", () => {
    const { contactId, say } = apart()
    say({ userId: "u3" })
    assert.deepStrictEqual(tags(say({ userId: "u3", anonymousId: "a2" })), ["Merge"])
    assert.strictEqual(contactId("e2@x.co"), contactId("u3"))
    for (const value of ["e2@x.co", "u3"]) assert.strictEqual(contactId(value), contactId("a2"))
    assert.deepStrictEqual(refusals(say({ userId: "u1", anonymousId: "a2" })), [["a2", "cut"]])
    assert.deepStrictEqual(refusals(say({ userId: "u3", anonymousId: "a1" })), [["a1", "cut"]])
  })

  it("follows the merges of either side: A|B, C merges into A: C's keys are cut from B", () => {
    const { say } = apart()
    say({ anonymousId: "a3" })
    say({ userId: "u1", anonymousId: "a3" })
    assert.deepStrictEqual(refusals(say({ email: "e2@x.co", anonymousId: "a3" })), [["a3", "cut"]])
  })

  it("holds inside of one request that merges one side first", () => {
    const { contactId, cut, say, together } = setup()
    for (const named of [{ userId: "u1" }, { email: "e1@x.co" }, { anonymousId: "a1" }]) say(named)
    cut("e1@x.co", "a1")
    const decision = say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(decision), [["a1", "cut"]])
    assert.isTrue(together("u1", "e1@x.co"))
    assert.notStrictEqual(contactId("a1"), contactId("u1"))
  })

  it("holds inside of one request in which a contact that was made for it gives way to one side", () => {
    const { contactId, say } = apart()
    const decision = say({ userId: "new", email: "e2@x.co", anonymousId: "a1" })
    assert.deepStrictEqual(refusals(decision), [["a1", "cut"]])
    assert.strictEqual(contactId("new"), contactId("e2@x.co"))
  })

  it("keeps apart the two that were split, and nobody else", () => {
    const { say, together } = apart()
    say({ anonymousId: "a3" })
    assert.deepStrictEqual(tags(say({ email: "e2@x.co", anonymousId: "a3" })), ["Merge"])
    assert.isTrue(together("e2@x.co", "a3"))
  })

  it("an operator's merge of the two lifts it", () => {
    const { contactId, say, store, together } = apart()
    store.merge(contactId("u1"), contactId("e2@x.co"))
    assert.deepStrictEqual(refusals(say({ userId: "u1", email: "e2@x.co", anonymousId: "a2" })), [])
    assert.isTrue(together("u1", "e2@x.co", "a2"))
  })
})
