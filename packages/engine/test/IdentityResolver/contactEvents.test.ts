/** The rules of what is told of contacts, where no request of today gets to. */
import { describe, expect, it } from "@effect/vitest"
import { contactEvents, portraitOf } from "../../src/IdentityResolver/contactEvents.ts"
import type { KeyState } from "../../src/IdentityResolver/snapshot.ts"

const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`

const contact = (n: number, ...names: ReadonlyArray<string>) => {
  const at = new Date(0)
  const row = { id: id(n), properties: {}, publicProperties: {}, timezone: null, source: null }
  const keys = names.map((name, index): KeyState => {
    const [kind = "", value = ""] = name.split(":")
    return {
      id: name,
      kind: kind as KeyState["kind"],
      value,
      contactId: id(n),
      certified: false,
      firstAssertedAt: index,
      preferredAt: null,
      assertedBy: "server",
      placedAt: null,
      notBefore: null,
      toldTo: null
    }
  })
  return portraitOf({ ...row, firstSeenAt: at, lastSeenAt: at, createdAt: at, updatedAt: at }, keys)
}

const whomOf = (events: ReturnType<typeof contactEvents>) => events.map(({ contactId, type }) => [type, contactId])

describe("contactEvents", () => {
  it("tells nothing of a contact that comes and goes in one transaction, nor of its merge", () => {
    const stays = contact(1, "external:u")
    const merged = [{ survivorId: id(1), absorbedId: id(2) }]
    expect(contactEvents({ before: [stays], after: [stays], merged })).toEqual([])
    expect(contactEvents({ before: [], after: [] })).toEqual([])
  })

  it("a contact that was absorbed by one that was absorbed went into the last one", () => {
    const before = [contact(1, "external:u"), contact(2, "email:e@x.co"), contact(3, "anonymous:a")]
    const after = [contact(1, "external:u", "email:e@x.co", "anonymous:a")]
    const merged = [
      { survivorId: id(2), absorbedId: id(3) },
      { survivorId: id(1), absorbedId: id(2) }
    ]
    const events = contactEvents({ before, after, merged })
    expect(whomOf(events)).toEqual([
      ["contact.merged", id(1)],
      ["contact.updated", id(1)]
    ])
    expect(events[0]?.data).toMatchObject({ previousKeys: [{ contactId: id(2) }, { contactId: id(3) }] })
  })

  it("tells who lost a key, who is new, who became one, who got something, who left", () => {
    const before = [
      contact(1, "external:u", "email:e@x.co"),
      contact(2, "external:v"),
      contact(3, "anonymous:a"),
      contact(4, "external:w")
    ]
    const after = [contact(2, "external:v", "anonymous:a"), contact(5, "email:e@x.co"), contact(1, "external:u")]
    const merged = [{ survivorId: id(2), absorbedId: id(3) }]
    expect(whomOf(contactEvents({ before, after, merged }))).toEqual([
      ["contact.updated", id(1)],
      ["contact.created", id(5)],
      ["contact.merged", id(2)],
      ["contact.updated", id(2)],
      ["contact.deleted", id(4)]
    ])
  })

  it("a string that left its key, and a contact's own id, are no keys of it to anybody", () => {
    const before = [contact(1, "external:u", "contact:c")]
    const after = [contact(1, "external:u", "contact:c", "contact:d", "history:$1")]
    expect(contactEvents({ before, after })).toEqual([])
  })
})
