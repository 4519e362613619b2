/** What PostHog is told of an event and of a contact, and what it never is. */
import { assert, describe, it } from "@effect/vitest"
import { type OutboundEnvelope, outboundEventNames, Properties, testEventName } from "@hogsend/core"
import { Effect, Schema } from "effect"
import { posthog } from "../../src/Destinations/posthog.ts"
import { contextOf, envelope, installationId, keys, timestamp, uuid, visitor } from "./envelopes.ts"

const apiKey = "phc_a"
const syncs = { apiKey, syncPersons: true }

/** The one event that is sent of an envelope. */
const sentOf = (given: OutboundEnvelope, config: Properties = { apiKey }) => {
  const request = posthog.transform(given, contextOf(config))
  assert.isNotNull(request)
  const { api_key, batch, ...rest } = JSON.parse(request?.body ?? "")
  assert.deepStrictEqual([api_key, rest, batch.length], [apiKey, {}, 1])
  return batch[0]
}

const skips = (given: OutboundEnvelope, config: Properties = syncs) =>
  posthog.transform(given, contextOf(config)) === null

/** What every event of ours carries. */
const marks = { $lib: "hogsend", $geoip_disable: true, hogsend: installationId }

describe("An event", () => {
  it("is a capture under the contact key, with the uuid and the time of its message and what is nobody's name", () => {
    const data = {
      ...keys,
      to: "ada@example.com",
      emailSendId: "es_1",
      messageId: "m_1",
      templateKey: "welcome",
      subject: "Hello",
      linkUrl: "https://shop.example.com/?for=ada%40example.com",
      list: ["a", "ada@example.com"]
    }
    const request = posthog.transform(envelope("email.sent", data), contextOf({ apiKey }))
    assert.strictEqual(request?.url, "https://us.i.posthog.com/batch/")
    assert.deepStrictEqual(request?.headers, { "content-type": "application/json" })
    assert.deepStrictEqual(sentOf(envelope("email.sent", data)), {
      uuid,
      timestamp,
      event: "email.sent",
      distinct_id: "u_1",
      properties: {
        ...marks,
        contactKeyKind: "external",
        emailSendId: "es_1",
        messageId: "m_1",
        templateKey: "welcome",
        subject: "Hello",
        list: ["a"]
      }
    })
  })

  it("is called what the config calls it, and goes to the host of the config", () => {
    const config = { apiKey, host: "https://eu.i.posthog.com/", eventNames: { "email.clicked": "email.link_clicked" } }
    assert.strictEqual(sentOf(envelope("email.clicked", keys), config).event, "email.link_clicked")
    assert.strictEqual(sentOf(envelope("email.opened", keys), config).event, "email.opened")
    const url = posthog.transform(envelope("email.opened", keys), contextOf(config))?.url
    assert.strictEqual(url, "https://eu.i.posthog.com/batch/")
    const behind = posthog.transform(
      envelope("email.opened", keys),
      contextOf({ apiKey, host: "https://a.example/ph" })
    )
    assert.strictEqual(behind?.url, "https://a.example/ph/batch/")
  })

  it("of a visitor makes no person", () => {
    assert.isFalse(sentOf(envelope("link.clicked", visitor)).properties.$process_person_profile)
    const { properties } = sentOf(envelope("link.clicked", { ...visitor, contactKeyKind: "contact" }))
    assert.isFalse(properties.$process_person_profile)
    assert.notProperty(sentOf(envelope("link.clicked", keys)).properties, "$process_person_profile")
  })

  it("about nobody, or about somebody whose key is an email address, is skipped", () => {
    for (const userId of [undefined, null, "", 7, "ada@example.com", "mailto:ada@example.com"]) {
      const { userId: _, ...data } = keys
      assert.isTrue(skips(envelope("email.sent", userId === undefined ? data : { ...data, userId })))
      assert.isTrue(
        skips(
          envelope("contact.updated", { ...(userId === undefined ? data : { ...data, userId }), properties: { a: 1 } })
        )
      )
    }
    assert.isTrue(skips(envelope("endpoint.disabled", { endpointId: "e2", reason: "gone" })))
  })

  it("of a test arrives, and makes no person", () => {
    const data = { message: "Hi", endpointId: "e1", sentAt: timestamp, userId: "test_e1", to: "test@hogsend.com" }
    const event = sentOf(envelope(testEventName, data))
    assert.deepStrictEqual([event.event, event.distinct_id], [testEventName, "test_e1"])
    assert.deepStrictEqual(event.properties, {
      ...marks,
      message: "Hi",
      endpointId: "e1",
      sentAt: timestamp,
      $process_person_profile: false
    })
  })

  it("has arrived when PostHog says so", () => {
    const isSuccess = posthog.transform(envelope("email.sent", keys), contextOf({ apiKey }))?.isSuccess
    const judged = (status: number, body: string) => isSuccess?.({ status, body })
    assert.isTrue(judged(200, '{"status":"Ok"}'))
    assert.isTrue(judged(200, '{"status":1}'))
    assert.isFalse(judged(200, '{"status":0}'))
    assert.isFalse(judged(200, "{}"))
    assert.isFalse(judged(503, '{"status":1}'))
    for (const page of ["", "<html>Sign in</html>", "null"]) assert.throws(() => judged(200, page))
  })
})

describe("A contact", () => {
  it("becomes its person's properties, under its key, where the endpoint asks for it", () => {
    const data = { ...keys, properties: { plan: "pro", email: "x", address: { city: "Paris", owner: "a@b.example" } } }
    for (const type of ["contact.created", "contact.updated"] as const) {
      assert.deepStrictEqual(sentOf(envelope(type, data), syncs), {
        uuid,
        timestamp,
        event: "$set",
        distinct_id: "u_1",
        properties: { ...marks, $set: { plan: "pro", address: { city: "Paris" } } }
      })
      for (const syncPersons of [undefined, null, false]) {
        assert.isTrue(skips(envelope(type, data), syncPersons === undefined ? { apiKey } : { apiKey, syncPersons }))
      }
    }
  })

  it("that is a visitor is a person, too: its properties are to be there", () => {
    const { distinct_id, properties } = sentOf(envelope("contact.created", { ...visitor, properties: { a: 1 } }), syncs)
    assert.deepStrictEqual([distinct_id, properties], ["a-visitor", { ...marks, $set: { a: 1 } }])
  })

  it("loses what it does not have any more, and what may not be told any more", () => {
    const properties = { plan: "pro", note: "write to ada@example.com", email: "ada@example.com" }
    const changedProperties = ["plan", "seats", "note", "email", "userId", "ada@example.com"]
    const event = sentOf(envelope("contact.updated", { ...keys, properties, changedProperties }), syncs)
    assert.deepStrictEqual(event.properties, { ...marks, $set: { plan: "pro" }, $unset: ["seats", "note"] })
    const last = envelope("contact.updated", { ...keys, properties: {}, changedProperties: ["plan"] })
    assert.deepStrictEqual(sentOf(last, syncs).properties, { ...marks, $unset: ["plan"] })
  })

  it("without anything to tell is skipped", () => {
    assert.isTrue(skips(envelope("contact.created", { ...keys, properties: {} })))
    assert.isTrue(skips(envelope("contact.created", { ...keys, properties: { email: "ada@example.com" } })))
    assert.isTrue(skips(envelope("contact.updated", { ...keys, properties: {}, changedProperties: ["email"] })))
    assert.isTrue(skips(envelope("contact.updated", keys)))
  })

  it("that wants nothing any more is marked, until it does", () => {
    const said = (type: OutboundEnvelope["type"], scope: string | undefined, config: Properties = syncs) =>
      sentOf(envelope(type, scope === undefined ? keys : { ...keys, scope }), config).properties.$set
    assert.deepStrictEqual(said("contact.unsubscribed", "all"), { hogsend_unsubscribed: true })
    assert.deepStrictEqual(said("contact.subscribed", "all"), { hogsend_unsubscribed: false })
    assert.deepStrictEqual(said("contact.subscribed", undefined), { hogsend_unsubscribed: false })
    const named = { ...syncs, unsubscribedPropertyKey: "left" }
    assert.deepStrictEqual(said("contact.unsubscribed", "all", named), { left: true })
    assert.isTrue(skips(envelope("contact.unsubscribed", { ...keys, scope: "category" })))
    assert.isTrue(skips(envelope("contact.subscribed", { ...keys, scope: "category" })))
    assert.isTrue(skips(envelope("contact.unsubscribed", keys)))
    assert.isTrue(skips(envelope("contact.unsubscribed", { ...keys, scope: "all" }), { apiKey }))
  })

  it("that is deleted or merged is told otherwise", () => {
    for (const type of ["contact.deleted", "contact.merged"] as const) {
      assert.isTrue(skips(envelope(type, { ...keys, properties: { a: 1 } })))
      assert.notInclude(posthog.events, type)
    }
    assert.notInclude(posthog.events, "endpoint.disabled")
    assert.lengthOf(posthog.events, outboundEventNames.length - 3)
  })

  it("tells no address that is encoded twice or written wide, and no key that is written as a number", () => {
    const properties = {
      next: "/login?back=%2Fme%3Fof%3Dada%2540example.com",
      dot: "ada%40example%2Ecom",
      wide: "ada＠example.com",
      account: 12345,
      seats: 12346
    }
    const data = { ...keys, userId: "12345", contactKey: "12345", properties }
    assert.deepStrictEqual(sentOf(envelope("contact.created", data), syncs).properties.$set, { seats: 12346 })
  })

  const localPart = Schema.String.check(Schema.isPattern(/^[a-z0-9!#$%&'*+/=?^_{|}~ü.-]{1,12}$/))
  const domain = Schema.String.check(Schema.isPattern(/^[a-z0-9ü-]{1,8}(\.[a-z0-9-]{1,6}){1,2}$/))
  const text = Schema.String.check(Schema.isPattern(/^[ -~]{0,20}$/))
  const told = ["plan", "E-Mail", "user_id", "Phone Number", "anonymousId", "note", "id"]

  it.effect.prop(
    "never tells an email address or an identifier, whatever stands around it and however deep",
    [localPart, domain, text, text, Schema.Literals(told), Schema.Boolean],
    ([local, at, before, after, name, encoded]) =>
      Effect.sync(() => {
        const address = `${local}@${at}`
        const around = `${before} ${encoded ? `${local}%40${at}` : address} ${after}`
        const secret = [address, around, keys.anonymousId, keys.contactId]
        const properties = Object.fromEntries([
          ...secret.map((value, index) => [`${name}${index}`, value]),
          ["list", [secret, { deep: secret, fine: true }]],
          [address, true],
          [name, name === "plan" || name === "note" ? "fine" : "a secret"]
        ])
        const data = { ...keys, email: address, properties, changedProperties: Object.keys(properties) }
        const { $set, $unset } = sentOf(envelope("contact.updated", data), syncs).properties
        const says = JSON.stringify([$set, $unset])
        for (const value of [local + "@", "%40", at, keys.anonymousId, keys.contactId, "a secret"]) {
          // What a name of the test says by itself is no leak.
          if (value.length > 5) assert.notInclude(says, value)
        }
        assert.notMatch(says, /[^\s"]@[^\s"]+\.[^\s"]/)
        assert.deepInclude($set, { list: [[], { deep: [], fine: true }] })
      })
  )

  it.effect.prop("tells whatever holds neither as it is", [Schema.Array(Schema.Finite), text], ([numbers, note]) =>
    Effect.sync(() => {
      const properties = { plan: "pro", numbers, note: note.replaceAll(/[@%]/g, ""), nested: { deep: [{ a: null }] } }
      const event = sentOf(envelope("contact.created", { ...keys, properties }), syncs)
      assert.deepStrictEqual(event.properties.$set, JSON.parse(JSON.stringify(properties)))
    })
  )
})

describe("An endpoint", () => {
  const assertRefused = (config: Properties, says: RegExp) =>
    assert.throws(() => posthog.check?.({ url: null, config }), says)

  it("needs a project key, and settings that can be meant; each is named", () => {
    for (const config of [{}, { apiKey: "" }, { apiKey: null }]) assertRefused(config, /config\.apiKey.*phc_/)
    assertRefused({ apiKey: "phx_a" }, /project API key.*personal/)
    assertRefused({ apiKey: 7 }, /config\.apiKey/)
    for (const host of ["eu.i.posthog.com", "ftp://a.example", 7]) assertRefused({ apiKey, host }, /config\.host/)
    for (const eventNames of ["x", { a: "" }, { a: 1 }, []]) {
      assertRefused({ apiKey, eventNames }, /config\.eventNames/)
    }
    assertRefused({ apiKey, syncPersons: "true" }, /config\.syncPersons/)
    assertRefused({ apiKey, unsubscribedPropertyKey: 1 }, /config\.unsubscribedPropertyKey/)
    assert.throws(() => posthog.transform(envelope("email.sent", keys), contextOf({})), /config\.apiKey/)
  })

  it("needs no url", () => assert.doesNotThrow(() => posthog.check?.({ url: null, config: { apiKey } })))
})
