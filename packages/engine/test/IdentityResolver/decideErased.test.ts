/** The rules of identity, one test each: keys of erased people change nothing. */
import { assert, describe, it } from "@effect/vitest"
import { asDevice, asPublic, asUser, device, lands, observing, refusals, setup } from "./setup.ts"

/** Somebody with one key of each kind, who was erased. */
const gone = () => {
  const made = setup()
  made.say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
  made.say({ userId: "u1", anonymousId: device })
  const id = made.contactId("u1")
  made.erase("u1")
  return { ...made, id, erasedAt: made.store.now() }
}

const erasedOf = (decision: ReturnType<ReturnType<typeof setup>["say"]>) =>
  decision._tag === "Resolved" ? decision.erased.map(({ value }) => value) : undefined

describe("decide: erased people", () => {
  it("nothing is stored of what names one, whoever says it, and under whatever key", () => {
    const { id, say, store } = gone()
    for (const [named, as] of [
      [{ userId: "u1" }, {}],
      [{ email: "e1@x.co" }, {}],
      [{ anonymousId: "a1" }, {}],
      [{ userId: id }, {}],
      [{ userId: "a1" }, {}],
      [{ anonymousId: "a1" }, asPublic],
      [{ anonymousId: "a1" }, { ...asPublic, ...observing }],
      [{ anonymousId: device }, asDevice],
      [{ userId: "u1" }, asUser]
    ] as const) {
      assert.strictEqual(say(named, as)._tag, "Erased")
    }
    assert.deepStrictEqual(store.keys(), [])
    assert.deepStrictEqual(store.contactIds(), [])
  })

  it("an email is not erased because an id of the same string was", () => {
    const { erase, say } = setup()
    say({ userId: "e1@x.co-" })
    say({ userId: "u1", email: "e1@x.co" })
    erase("u1")
    assert.strictEqual(say({ userId: "e1@x.co" })._tag, "Resolved")
  })

  it("with a strongest key that is somebody's, the erased ones are left out and named, and the rest goes on", () => {
    const { contact, key, say, store } = gone()
    const decision = say({ userId: "u2", email: "e1@x.co", anonymousId: "a2" })
    assert.deepStrictEqual(erasedOf(decision), ["e1@x.co"])
    assert.deepStrictEqual(refusals(decision), [])
    assert.deepStrictEqual(
      contact("u2")
        .keys.map(({ kind }) => kind)
        .toSorted(),
      ["anonymous", "contact", "external"]
    )
    assert.strictEqual(lands(decision), key("a2").contactId)
    assert.isUndefined(store.key({ kind: "email", value: "e1@x.co" }))
  })

  it("with an erased strongest key nothing is stored, whatever stands with it", () => {
    const { say, store } = gone()
    assert.strictEqual(say({ userId: "u1", email: "e2@x.co", anonymousId: "a2" })._tag, "Erased")
    assert.deepStrictEqual(store.keys(), [])
  })

  it("a token that was made later than the erasure begins again, and an older one does not", () => {
    for (const [after, begins] of [
      [-1, false],
      [0, false],
      [1, true]
    ] as const) {
      const { erasedAt, id, say, store } = gone()
      const decision = say({ userId: "u1" }, { ...asUser, tokenIssuedAt: erasedAt + after })
      assert.strictEqual(decision._tag, begins ? "Resolved" : "Erased")
      assert.lengthOf(store.contactIds(), begins ? 1 : 0)
      assert.notInclude(store.contactIds(), id)
    }
  })

  it("a server that restores begins again, as a new and empty contact", () => {
    const { contact, id, say } = gone()
    const decision = say({ userId: "u1" }, { restores: true })
    assert.deepStrictEqual(erasedOf(decision), [])
    assert.notStrictEqual(lands(decision), id)
    assert.lengthOf(contact("u1").keys, 2)
  })

  it("a server that restores begins again with every key that it names, and no other", () => {
    const { say, together } = gone()
    assert.deepStrictEqual(erasedOf(say({ userId: "u1", email: "e1@x.co" }, { restores: true })), [])
    assert.isTrue(together("u1", "e1@x.co"))
    assert.deepStrictEqual(erasedOf(say({ userId: "u1", anonymousId: "a1" })), ["a1"])
  })

  it("a browser that restores does nothing by it", () => {
    const { say, store } = gone()
    for (const [named, as] of [
      [{ anonymousId: "a1" }, asPublic],
      [{ anonymousId: device }, asDevice],
      [{ userId: "u1" }, asUser]
    ] as const) {
      assert.strictEqual(say(named, { ...as, restores: true })._tag, "Erased")
    }
    assert.deepStrictEqual(store.keys(), [])
  })

  it("a server's word is not a later token, and a token's is not a server's", () => {
    const { erasedAt, say } = gone()
    assert.strictEqual(say({ userId: "u1" }, { tokenIssuedAt: erasedAt + 1 })._tag, "Erased")
    assert.strictEqual(say({ anonymousId: "a1" }, { ...asPublic, tokenIssuedAt: erasedAt + 1 })._tag, "Erased")
  })

  it("what happened before the erasure is stopped, also when a server restores or the token is later", () => {
    const { erasedAt, sayAt, store } = gone()
    for (const at of [erasedAt - 1, erasedAt]) {
      assert.strictEqual(sayAt(at, { userId: "u1" }, { restores: true })._tag, "Erased")
      assert.strictEqual(sayAt(at, { userId: "u1" }, { ...asUser, tokenIssuedAt: erasedAt + 9 })._tag, "Erased")
    }
    assert.deepStrictEqual(store.keys(), [])
  })

  it("what happened before the erasure stays stopped after the key has a contact again, for every caller", () => {
    const { erasedAt, key, say, sayAt } = gone()
    say({ userId: "u1", anonymousId: "a1" }, { restores: true })
    assert.strictEqual(key("u1").notBefore, erasedAt)
    for (const at of [0, erasedAt]) {
      assert.strictEqual(sayAt(at, { userId: "u1" })._tag, "Erased")
      assert.strictEqual(sayAt(at, { userId: "u1" }, { restores: true })._tag, "Erased")
      assert.strictEqual(sayAt(at, { userId: "u1" }, { ...asUser, tokenIssuedAt: erasedAt + 9 })._tag, "Erased")
      assert.deepStrictEqual(erasedOf(sayAt(at, { userId: "u2", anonymousId: "a1" })), ["a1"])
    }
    assert.strictEqual(sayAt(erasedAt + 1, { userId: "u1" })._tag, "Resolved")
  })

  it("what happened before the erasure stays stopped after the key was promoted or joined another", () => {
    const { erasedAt, say, sayAt, together } = gone()
    say({ anonymousId: "a1" }, { restores: true })
    say({ userId: "a1" })
    assert.strictEqual(sayAt(erasedAt, { userId: "a1" })._tag, "Erased")
    say({ email: "e1@x.co" }, { restores: true })
    say({ userId: "a1", email: "e1@x.co" })
    assert.isTrue(together("a1", "e1@x.co"))
    assert.strictEqual(sayAt(erasedAt, { email: "e1@x.co" })._tag, "Erased")
  })

  it("an erasure after the new beginning counts as the first did", () => {
    const { erase, say, sayAt, store } = gone()
    say({ userId: "u1" }, { restores: true })
    erase("u1")
    const again = store.now()
    assert.strictEqual(say({ userId: "u1" })._tag, "Erased")
    assert.strictEqual(sayAt(again, { userId: "u1" }, { restores: true })._tag, "Erased")
    assert.strictEqual(sayAt(again + 1, { userId: "u1" }, { restores: true })._tag, "Resolved")
  })

  it("who was never erased needs no word of it", () => {
    const { say } = gone()
    assert.strictEqual(say({ userId: "u2" }, { restores: true })._tag, "Resolved")
    assert.strictEqual(say({ userId: "u3" }, { ...asUser, tokenIssuedAt: 0 })._tag, "Resolved")
  })
})
