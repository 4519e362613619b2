/** What Segment is told of an event and of a contact. */
import { assert, describe, it } from "@effect/vitest"
import type { OutboundEnvelope, Properties } from "@hogsend/core"
import { segment } from "../../src/Destinations/segment.ts"
import { contextOf, envelope, keys, timestamp, uuid, visitor } from "./envelopes.ts"

const transform = (given: OutboundEnvelope, config: Properties = { writeKey: "w" }) =>
  segment.transform(given, contextOf(config))

const bodyOf = (given: OutboundEnvelope) => JSON.parse(transform(given)?.body ?? "null")

const message = { messageId: `msg_${uuid}`, timestamp }

describe("The destination segment", () => {
  it("tracks an event under the user id, with the write key", () => {
    const request = transform(envelope("email.sent", { ...keys, to: "ada@example.com", templateKey: "welcome" }))
    assert.strictEqual(request?.url, "https://api.segment.io/v1/track")
    assert.deepStrictEqual(request?.headers, {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from("w:").toString("base64")}`
    })
    assert.deepStrictEqual(JSON.parse(request?.body ?? ""), {
      ...message,
      userId: "u_1",
      event: "email.sent",
      properties: { contactKeyKind: "external", templateKey: "welcome" }
    })
  })

  it("knows a visitor, and whoever has no external id, as anonymous", () => {
    const { anonymousId, userId } = bodyOf(envelope("link.clicked", visitor))
    assert.deepStrictEqual([anonymousId, userId], ["a-visitor", undefined])
    const { anonymousId: contact } = bodyOf(
      envelope("link.clicked", { ...visitor, contactKeyKind: "contact", userId: "c" })
    )
    assert.strictEqual(contact, "c")
  })

  it("identifies a contact with its properties, without addresses and identifiers, and takes back what is gone", () => {
    const data = {
      ...keys,
      properties: { plan: "pro", email: "ada@example.com" },
      changedProperties: ["plan", "seats"]
    }
    assert.strictEqual(transform(envelope("contact.updated", data))?.url, "https://api.segment.io/v1/identify")
    assert.deepStrictEqual(bodyOf(envelope("contact.updated", data)), {
      ...message,
      userId: "u_1",
      traits: { plan: "pro", seats: null }
    })
    assert.deepStrictEqual(bodyOf(envelope("contact.unsubscribed", { ...keys, scope: "all" })).traits, {
      hogsend_unsubscribed: true
    })
  })

  it("skips who is nobody or an email address, and what it has no call for", () => {
    assert.isNull(transform(envelope("email.sent", { templateKey: "welcome" })))
    assert.isNull(transform(envelope("email.sent", { ...keys, userId: "ada@example.com" })))
    assert.isNull(transform(envelope("contact.created", { ...keys, properties: {} })))
    for (const type of ["contact.deleted", "contact.merged"] as const) {
      assert.isNull(transform(envelope(type, keys)))
      assert.notInclude(segment.events, type)
    }
  })

  it("asks the host and says the names of its config, and is refused without a write key", () => {
    const config = { writeKey: "w", host: "https://eu1.example.com", eventNames: { "email.sent": "Email Sent" } }
    const request = transform(envelope("email.sent", keys), config)
    assert.strictEqual(request?.url, "https://eu1.example.com/v1/track")
    assert.strictEqual(JSON.parse(request?.body ?? "").event, "Email Sent")
    assert.throws(() => segment.check?.({ url: null, config: {} }), /config\.writeKey/)
    assert.throws(() => transform(envelope("email.sent", keys), {}), /config\.writeKey/)
    assert.doesNotThrow(() => segment.check?.({ url: null, config }))
  })
})
