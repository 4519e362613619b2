/** The rules of identity, one test each: an address that moves from one user to another. */
import { assert, describe, it } from "@effect/vitest"
import { currentEmailOf } from "../../src/IdentityResolver/snapshot.ts"
import { device, lands, refusals, setup, stepsOf, tags } from "./setup.ts"

const stays = [["e1@x.co", "two_external_ids"]]

/** u1 has the address since 100, and u2 is there. */
const taken = () => {
  const made = setup()
  made.sayAt(100, { userId: "u1", email: "e1@x.co" })
  made.sayAt(100, { userId: "u2" })
  return { ...made, u1: made.contactId("u1"), u2: made.contactId("u2") }
}

describe("decide: emails may move", () => {
  it("to the user whom a newer trusted assertion names with it, and the two users stay two", () => {
    const { contactId, key, sayAt, together, u1, u2 } = taken()
    const decision = sayAt(101, { userId: "u2", email: "e1@x.co" })
    assert.deepStrictEqual(tags(decision), ["MoveEmail"])
    assert.deepInclude(stepsOf(decision)[0], { from: u1, contactId: u2, value: "e1@x.co", keyId: key("e1@x.co").id })
    assert.strictEqual(lands(decision), u2)
    assert.strictEqual(contactId("e1@x.co"), u2)
    assert.isFalse(together("u1", "u2"))
  })

  it("also to a user who was never heard of before", () => {
    const { contactId, sayAt, together } = taken()
    assert.deepStrictEqual(refusals(sayAt(101, { userId: "u3", email: "e1@x.co" })), [])
    assert.isTrue(together("u3", "e1@x.co"))
    assert.notStrictEqual(contactId("u3"), contactId("u1"))
  })

  it("only by one that is strictly newer than the one that put it there", () => {
    for (const [occurredAt, moves] of [
      [99, false],
      [100, false],
      [101, true]
    ] as const) {
      const { contactId, sayAt, u1, u2 } = taken()
      assert.deepStrictEqual(refusals(sayAt(occurredAt, { userId: "u2", email: "e1@x.co" })), moves ? [] : stays)
      assert.strictEqual(contactId("e1@x.co"), moves ? u2 : u1)
    }
  })

  it("never by a user's own token, however new", () => {
    const { contactId, sayAt, u1 } = taken()
    const decision = sayAt(101, { userId: "u2", email: "e1@x.co" }, { vouchedBy: "user" })
    assert.deepStrictEqual(refusals(decision), stays)
    assert.strictEqual(contactId("e1@x.co"), u1)
  })

  it("only when it stands with a user id: as the strongest key it names whom it belongs to", () => {
    const { contactId, sayAt, u1 } = taken()
    sayAt(100, { userId: "u2", anonymousId: "a2" })
    const decision = sayAt(101, { email: "e1@x.co", anonymousId: "a2" })
    assert.deepStrictEqual(refusals(decision), [["a2", "two_external_ids"]])
    assert.strictEqual(lands(decision), u1)
    assert.strictEqual(contactId("e1@x.co"), u1)
  })

  it("and nothing but an email moves", () => {
    const { contactId, sayAt, u1 } = taken()
    for (const anonymousId of ["a1", device]) {
      sayAt(100, { userId: "u1", anonymousId })
      assert.deepStrictEqual(refusals(sayAt(101, { userId: "u2", anonymousId })), [[anonymousId, "two_external_ids"]])
      assert.strictEqual(contactId(anonymousId), u1)
    }
  })

  it("its history stays: the key that events hang on keeps its contact, and a new one has the string", () => {
    const { key, sayAt, store, u1, u2 } = taken()
    const before = key("e1@x.co")
    sayAt(101, { userId: "u2", email: "e1@x.co" })
    const now = key("e1@x.co")
    assert.notStrictEqual(now.id, before.id)
    assert.include(now, { kind: "email", contactId: u2, assertedBy: "server", placedAt: 101 })
    const past = store.keys().find(({ id }) => id === before.id)
    assert.include(past, { kind: "history", contactId: u1 })
    assert.notInclude(past?.value, "e1")
  })

  it("what hangs on it follows its contact in a later merge", () => {
    const { contactId, key, sayAt, store, u1 } = taken()
    const past = key("e1@x.co").id
    sayAt(101, { userId: "u2", email: "e1@x.co" })
    sayAt(102, { anonymousId: "a1" })
    sayAt(103, { userId: "u1", anonymousId: "a1" })
    assert.strictEqual(contactId("a1"), u1)
    assert.strictEqual(store.keys().find(({ id }) => id === past)?.contactId, u1)
  })

  it("mail of the one whom it left goes to another address of theirs, or nowhere", () => {
    const { contact, sayAt } = taken()
    sayAt(99, { userId: "u1", email: "e0@x.co" })
    sayAt(100, { userId: "u1", email: "e1@x.co" })
    assert.strictEqual(currentEmailOf(contact("u1"))?.value, "e1@x.co")
    sayAt(101, { userId: "u2", email: "e1@x.co" })
    assert.strictEqual(currentEmailOf(contact("u1"))?.value, "e0@x.co")
    assert.strictEqual(currentEmailOf(contact("u2"))?.value, "e1@x.co")
    sayAt(102, { userId: "u2", email: "e0@x.co" })
    assert.isUndefined(currentEmailOf(contact("u1")))
    assert.strictEqual(currentEmailOf(contact("u2"))?.value, "e0@x.co")
  })

  it("never over a cut", () => {
    const { contactId, cut, sayAt, u1 } = taken()
    cut("u1", "u2")
    assert.deepStrictEqual(refusals(sayAt(101, { userId: "u2", email: "e1@x.co" })), [["e1@x.co", "cut"]])
    assert.strictEqual(contactId("e1@x.co"), u1)
  })

  it("a late assertion that is older does not take it back, and a newer one does", () => {
    const { contactId, sayAt, u1, u2 } = taken()
    sayAt(200, { userId: "u2", email: "e1@x.co" })
    for (const late of [100, 150, 200]) {
      assert.deepStrictEqual(refusals(sayAt(late, { userId: "u1", email: "e1@x.co" })), stays)
      assert.strictEqual(contactId("e1@x.co"), u2)
    }
    assert.deepStrictEqual(tags(sayAt(201, { userId: "u1", email: "e1@x.co" })), ["MoveEmail"])
    assert.strictEqual(contactId("e1@x.co"), u1)
  })

  it("whoever joined the address to a user put it there, however long it was known before", () => {
    const { contactId, sayAt } = setup()
    sayAt(1, { email: "e1@x.co" })
    sayAt(1, { userId: "u2" })
    sayAt(10, { userId: "u1", email: "e1@x.co" })
    assert.deepStrictEqual(refusals(sayAt(5, { userId: "u2", email: "e1@x.co" })), stays)
    assert.strictEqual(contactId("e1@x.co"), contactId("u1"))

    sayAt(1, { email: "e2@x.co" })
    sayAt(1, { userId: "u3" })
    sayAt(10, { userId: "u3", email: "e2@x.co" })
    assert.deepStrictEqual(refusals(sayAt(5, { userId: "u2", email: "e2@x.co" })), [["e2@x.co", "two_external_ids"]])
    assert.strictEqual(contactId("e2@x.co"), contactId("u3"))
  })

  it("a replay of any of it changes no key", () => {
    const { sayAt, store } = taken()
    const said = [
      [100, { userId: "u1", email: "e1@x.co" }],
      [101, { userId: "u2", email: "e1@x.co" }]
    ] as const
    for (const [at, named] of said) sayAt(at, named)
    const before = store.keys()
    for (const [at, named] of [...said, ...said.toReversed()]) sayAt(at, named)
    assert.deepStrictEqual(store.keys(), before)
  })

  it("what moved may not be more than the contact may have", () => {
    const { contactId, sayAt } = setup({ keys: { email: 1 } })
    sayAt(100, { userId: "u1", email: "e1@x.co" })
    sayAt(100, { userId: "u2", email: "e2@x.co" })
    assert.deepStrictEqual(refusals(sayAt(101, { userId: "u2", email: "e1@x.co" })), [["e1@x.co", "too_many_keys"]])
    assert.strictEqual(contactId("e1@x.co"), contactId("u1"))
  })

  it("a moved address of an erased person still refuses what happened before the erasure", () => {
    const { erase, say, sayAt, store } = setup()
    say({ userId: "u1", email: "e1@x.co" })
    erase("e1@x.co")
    const erasedAt = store.now()
    say({ userId: "u2", email: "e1@x.co" }, { restores: true })
    say({ userId: "u3" })
    assert.deepStrictEqual(tags(sayAt(erasedAt + 10, { userId: "u3", email: "e1@x.co" })), ["MoveEmail"])
    assert.strictEqual(sayAt(erasedAt, { email: "e1@x.co" })._tag, "Erased")
  })
})
