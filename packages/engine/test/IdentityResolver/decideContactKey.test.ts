/** The rules of identity, one test each: which key a contact goes by, and which address its mail goes to. */
import { assert, describe, it } from "@effect/vitest"
import {
  canonicalAnonymousOf,
  contactKeyOf,
  currentEmailOf,
  type KeyState
} from "../../src/IdentityResolver/snapshot.ts"
import { asDevice, device, setup, tags } from "./setup.ts"

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
