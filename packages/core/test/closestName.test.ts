/** The name that somebody may have meant. */
import { describe, expect, it } from "vitest"
import { closestName } from "../src/closestName.ts"
import { outboundEventNames } from "../src/Outbound.ts"

describe("closestName", () => {
  it.each([
    ["contact.create", "contact.created"],
    ["contact.updatedd", "contact.updated"],
    ["Contact.Deleted", "contact.deleted"],
    ["contacts.merged", "contact.merged"],
    ["contact-subscribed", "contact.subscribed"],
    ["email.clicekd", "email.clicked"],
    ["link.clicks", "link.clicked"],
    ["bucket.leave", "bucket.left"]
  ])("of %s is %s", (asked, meant) => expect(closestName(asked, outboundEventNames)).toBe(meant))

  it("of a name that is known is itself", () => {
    for (const name of outboundEventNames) expect(closestName(name, outboundEventNames)).toBe(name)
  })

  it("of anything is one of them, however long", () => {
    for (const asked of ["", "*", "x".repeat(200_000)]) {
      expect(outboundEventNames).toContain(closestName(asked, outboundEventNames))
    }
  })
})
