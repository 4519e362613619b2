/** The rules of identity, one test each: what may hang on somebody of whom nobody knows what the id is. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { contactKeyOf } from "../../src/IdentityResolver/snapshot.ts"
import { writerOf } from "../../src/IdentityResolver/updateContact.ts"
import { assertionOf, certifiedId, Said, says, vocabulary } from "./assertions.ts"
import { checkSafety, portray } from "./checkSafety.ts"
import { makeMemoryStore } from "./MemoryStore.ts"
import { asPublic, device, lands, observing, setup, tags } from "./setup.ts"

const attaching = { vouchedBy: "public", anonymousProven: false, attaches: true } as const

/** One string, by which whoever forwards something names somebody. */
const named = (value: string) => (value.includes("@") ? { email: value } : { anonymousId: value })

describe("decide: what attaches", () => {
  const world = () => {
    const made = setup()
    made.say({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })
    made.say({ userId: "u1", anonymousId: device })
    made.say({ anonymousId: "free" }, asPublic)
    return { ...made, user: made.contactId("u1"), visitor: made.contactId("free") }
  }

  it.each([
    ["an external id", () => "u1"],
    ["an email", () => "e1@x.co"],
    ["an anonymous id of somebody identified", () => "a1"],
    ["a certified id", () => device],
    ["a contact's own id", ({ user }: { user: string }) => user]
  ])("hangs on whoever holds it as %s, and changes nothing", (_, of) => {
    const { say, store, user } = world()
    const before = portray(store)
    const decision = say(named(of({ user })), attaching)
    assert.deepInclude(decision, { _tag: "Resolved", steps: [], wasIdentified: true })
    assert.strictEqual(lands(decision), user)
    assert.deepStrictEqual(portray(store), before)
  })

  it("hangs on a visitor too", () => {
    const { say, visitor } = world()
    const decision = say({ anonymousId: "free" }, attaching)
    assert.deepInclude(decision, { steps: [], wasIdentified: false })
    assert.strictEqual(lands(decision), visitor)
  })

  it("waits under a string that nobody holds, which makes no contact and no user of it", () => {
    const { key, say, store } = setup()
    assert.deepStrictEqual(tags(say({ anonymousId: "u9" }, attaching)), ["ClaimKey"])
    assert.deepStrictEqual(tags(say({ email: "e9@x.co" }, attaching)), ["ClaimKey"])
    assert.deepInclude(key("u9"), { kind: "anonymous", contactId: null })
    assert.deepInclude(key("e9@x.co"), { kind: "email", contactId: null })
    assert.deepStrictEqual(tags(say({ anonymousId: "u9" }, attaching)), [])
    assert.deepStrictEqual(store.contactIds(), [])
  })

  it.each([
    ["a server's user id", { userId: "u9" }, "external"],
    ["a server's anonymous id", { userId: "u1", anonymousId: "u9" }, "anonymous"]
  ] as const)("what waited belongs to whoever gets the string as %s", (_, said, kind) => {
    const { contactId, key, say } = setup()
    const waiting = say({ anonymousId: "u9" }, attaching)
    say(said)
    assert.deepInclude(key("u9"), { kind, contactId: contactId(said.userId) })
    assert.strictEqual(key("u9").id, waiting._tag === "Resolved" ? waiting.keyId : "")
  })

  it("what waited under an address belongs to whom a server names with it, and mail goes there", () => {
    const { contact, contactId, key, say } = setup()
    say({ userId: "u1", email: "old@x.co" })
    say({ email: "new@x.co" }, attaching)
    say({ userId: "u1", email: "new@x.co" })
    assert.strictEqual(key("new@x.co").contactId, contactId("u1"))
    const preferred = contact("u1").keys.filter(({ kind }) => kind === "email")
    assert.isAbove(
      preferred.find(({ value }) => value === "new@x.co")?.preferredAt ?? -1,
      preferred.find(({ value }) => value === "old@x.co")?.preferredAt ?? -1
    )
  })

  it("a browser that goes by the string is not locked out", () => {
    const { say } = setup()
    say({ anonymousId: "a9" }, attaching)
    assert.strictEqual(say({ anonymousId: "a9" }, { ...asPublic, ...observing })._tag, "Resolved")
    assert.deepStrictEqual(tags(say({ anonymousId: "a9" }, asPublic)), ["CreateContact", "ClaimKey", "LinkKey"])
  })

  it("is nobody's and is not stored when the person was erased", () => {
    const { erase, say, store } = world()
    erase("u1")
    const before = portray(store)
    for (const gone of ["u1", "e1@x.co", "a1", device]) {
      assert.deepInclude(say(named(gone), attaching), { _tag: "Erased" }, gone)
    }
    assert.deepStrictEqual(portray(store), before)
  })

  it("writes to an identified contact as nobody's own word, and to a visitor under its key", () => {
    const { say } = world()
    const write = (value: string) => {
      const decision = say(named(value), attaching)
      return decision._tag === "Resolved" ? writerOf(says({}, attaching), decision) : undefined
    }
    assert.deepStrictEqual(write("u1"), { trusted: true, server: false })
    assert.deepInclude(write("free"), { trusted: false })
  })
})

const strings = [...vocabulary.ids, ...vocabulary.emails, certifiedId(3), "nobody"] as const

describe("decide: what attaches, among everything else that is said", () => {
  it.effect.prop(
    "never makes, joins, names or moves anybody, and changes no contact's key",
    [
      Schema.Array(
        Schema.Struct({ said: Said, attaches: Schema.Boolean, string: Schema.Literals(strings), own: Schema.Boolean })
      ).check(Schema.isMinLength(1), Schema.isMaxLength(30))
    ],
    ([history]) =>
      Effect.sync(() => {
        const store = makeMemoryStore()
        const holder = (value: string) => store.contactOf({ kind: "external", value })?.id
        for (const { attaches, own, said, string } of history) {
          const before = portray(store)
          if (!attaches) {
            const assertion = assertionOf(said, holder)
            if (assertion !== undefined) store.assert(assertion)
            continue
          }
          const value = own ? (holder(string) ?? string) : string
          const assertion = says(named(value), attaching)
          const decision = store.assert(assertion)
          checkSafety(store, before, { assertion, decision, occurredAt: store.now(), limits: {} })
          if (decision._tag !== "Resolved") throw new Error("It is never refused")
          assert.deepStrictEqual(portray(store).contacts, before.contacts)
          assert.deepStrictEqual(store.keys().slice(0, before.keys.length), before.keys)
          const known = before.keys.find((key) => (key.kind === "email") === value.includes("@") && key.value === value)
          assert.strictEqual(decision.contact?.id, known?.contactId ?? undefined)
          if (known !== undefined) assert.strictEqual(decision.keyId, known.id)
          if (decision.contact !== null) {
            const contact = before.contacts.find(({ id }) => id === decision.contact?.id)
            assert.deepStrictEqual(contact && contactKeyOf(contact), contactKeyOf(decision.contact))
          }
        }
      })
  )
})
