/** What a request may write to its contact. */
import { assert, describe, it } from "@effect/vitest"
import type { ContactRow } from "../../src/IdentityResolver/IdentityRepo.ts"
import { updateContact } from "../../src/IdentityResolver/updateContact.ts"

const seen = new Date("2026-11-22T10:00:00.000Z")
const row: ContactRow = {
  id: "018f0000-0000-7000-8000-000000000000",
  properties: {},
  publicProperties: {},
  timezone: null,
  source: "inapp",
  firstSeenAt: seen,
  lastSeenAt: seen
}
const browser = { trusted: false, keyId: "018f0000-0000-7000-8000-000000000001" } as const
const large = (name: string) => ({ [name]: "x".repeat(30_000) })

describe("updateContact", () => {
  it("a contact holds 64 KiB of properties: what would go over is left out with a warning, what shrinks it is not", () => {
    const writes = ["a", "b", "c"].reduce<ContactRow>(
      (contact, name) =>
        updateContact(contact, { occurredAt: seen, properties: large(name) }, browser, new Set()).changed ?? contact,
      row
    )
    assert.deepStrictEqual(Object.keys(writes.publicProperties), ["a", "b"])
    const refused = updateContact(writes, { occurredAt: seen, properties: large("c") }, browser, new Set())
    assert.deepStrictEqual([refused.changed, refused.updated], [undefined, []])
    assert.deepStrictEqual(
      refused.warnings.map(({ code }) => code),
      ["properties_not_applied"]
    )
    const shrunk = updateContact(writes, { occurredAt: seen, properties: { a: null } }, browser, new Set())
    assert.deepStrictEqual(Object.keys(shrunk.changed?.publicProperties ?? {}), ["b"])
  })

  it("being seen again within a minute writes nothing", () => {
    const soon = new Date(seen.getTime() + 59_000)
    const later = new Date(seen.getTime() + 61_000)
    assert.isUndefined(updateContact(row, { occurredAt: soon }, browser, new Set()).changed)
    assert.deepStrictEqual(updateContact(row, { occurredAt: later }, browser, new Set()).changed?.lastSeenAt, later)
  })
})
