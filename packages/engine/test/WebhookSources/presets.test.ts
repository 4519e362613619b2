/** What the presets make of the bodies that their vendors document. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { clerk } from "../../src/WebhookSources/clerk.ts"
import { posthog } from "../../src/WebhookSources/posthog.ts"
import { segment } from "../../src/WebhookSources/segment.ts"
import { stripe } from "../../src/WebhookSources/stripe.ts"
import { saying } from "./saying.ts"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/** Without what is undefined. */
const plain = (events: ReadonlyArray<object>) =>
  events.map((event) => Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined)))

describe("PostHog", () => {
  const source = posthog({ secret })
  const body = {
    event: {
      uuid: "01a2045d-35ec-7000-ad74-f115531a3c13",
      event: "$pageview",
      distinct_id: "u_1",
      timestamp: "2026-11-20T10:00:00.000Z",
      url: "https://us.posthog.com/project/1/events/…",
      properties: {
        $current_url: "https://example.com/pricing",
        $is_identified: true,
        plan: "pro",
        token: "phc_abc",
        $set: { email: "ada@example.com" },
        $set_once: { $initial_referrer: "$direct" },
        $groups: { company: "acme", team: 7, "": "x" }
      }
    },
    person: { id: "p", name: "Ada", url: "…", properties: { email: "ada@example.com", plan: "pro" } }
  }

  it.effect("an event keeps its name, its uuid, its time and what it says of itself", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(plain(yield* saying(source, body)), [
        {
          name: "$pageview",
          distinctId: "u_1",
          eventProperties: { $current_url: "https://example.com/pricing", $is_identified: true, plan: "pro" },
          contactProperties: { email: "ada@example.com", plan: "pro" },
          groups: { company: "acme" },
          timestamp: new Date("2026-11-20T10:00:00.000Z"),
          idempotencyKey: "01a2045d-35ec-7000-ad74-f115531a3c13"
        }
      ])
      assert.deepStrictEqual(source.contactProperties, [])
      assert.deepStrictEqual(posthog({ secret, personProperties: ["plan"] }).contactProperties, ["plan"])
    })
  )

  it.effect("an event that says less is one, too", () =>
    Effect.gen(function* () {
      const bare = { event: { event: "x", distinct_id: "d" } }
      assert.deepStrictEqual(plain(yield* saying(source, bare)), [{ name: "x", distinctId: "d", eventProperties: {} }])
      const odd = {
        event: { event: "x", distinct_id: "d", uuid: 7, timestamp: "yesterday", properties: null },
        person: null
      }
      assert.deepStrictEqual(plain(yield* saying(source, odd)), [{ name: "x", distinctId: "d", eventProperties: {} }])
    })
  )

  it.effect("a body without an event, or without whose it is, is none", () =>
    Effect.gen(function* () {
      for (const none of [
        {},
        { event: {} },
        { event: { event: "x" } },
        { event: { event: 1, distinct_id: "d" } },
        []
      ]) {
        assert.strictEqual((yield* Effect.flip(saying(source, none)))._tag, "RequestInvalid")
      }
    })
  )
})

describe("Segment", () => {
  const source = segment({ secret })
  const at = { timestamp: "2026-11-20T00:30:08.276Z" }
  const said = { timestamp: new Date("2026-11-20T00:30:08.276Z") }

  it.effect("a track is an event under its own name, with its revenue", () =>
    Effect.gen(function* () {
      const properties = { revenue: "39.95", shippingMethod: "2-day", currency: "USD" }
      const track = { version: 1, type: "track", userId: "019mr8mf4r", event: "Purchased an Item", properties, ...at }
      assert.deepStrictEqual(plain(yield* saying(source, { ...track, messageId: "m1" })), [
        {
          name: "Purchased an Item",
          eventProperties: properties,
          value: 39.95,
          currency: "USD",
          distinctId: "019mr8mf4r",
          ...said,
          idempotencyKey: "m1"
        }
      ])
      const visitor = { type: "track", anonymousId: "a1", event: "Looked", properties: { revenue: "none" } }
      assert.deepStrictEqual(plain(yield* saying(source, visitor)), [
        { name: "Looked", eventProperties: { revenue: "none" }, distinctId: "a1" }
      ])
    })
  )

  it.effect("an identify says its traits, for the list, and a group its id", () =>
    Effect.gen(function* () {
      const traits = { email: "achilles@segment.com", name: "Achilles", subscriptionPlan: "Premium", friendCount: 29 }
      const identify = { version: 1, type: "identify", userId: "019mr8mf4r", traits, ...at }
      assert.deepStrictEqual(plain(yield* saying(source, identify)), [
        { name: "segment.identify", contactProperties: traits, distinctId: "019mr8mf4r", ...said }
      ])
      const group = { version: 1, type: "group", groupId: "0e8c78ea9d97a7b8185e8632", userId: "019mr8mf4r", ...at }
      assert.deepStrictEqual(plain(yield* saying(source, group)), [
        {
          name: "segment.group",
          eventProperties: { groupId: "0e8c78ea9d97a7b8185e8632" },
          distinctId: "019mr8mf4r",
          ...said
        }
      ])
    })
  )

  it.effect("pages, screens, aliases, deletions and what names nobody are left out", () =>
    Effect.gen(function* () {
      for (const type of ["page", "screen", "alias", "delete", undefined]) {
        assert.deepStrictEqual(yield* saying(source, { type, userId: "u", name: "Main" }), [], type)
      }
      assert.deepStrictEqual(yield* saying(source, { type: "track", event: "x" }), [])
      assert.deepStrictEqual(yield* saying(source, { type: "track", userId: "u" }), [])
      // Its signature is of the first of them alone.
      const batch = [{ type: "track", userId: "u", event: "x" }]
      assert.strictEqual((yield* Effect.flip(saying(source, batch)))._tag, "RequestInvalid")
    })
  )
})

describe("Stripe", () => {
  const source = stripe({ secret })
  const event = (type: string, object: object) => ({
    id: "evt_1NG8Du2eZvKYlo2CUI79vXWy",
    object: "event",
    api_version: "2025-03-31",
    created: 1_795_000_000,
    data: { object, previous_attributes: {} },
    livemode: false,
    pending_webhooks: 1,
    type
  })
  const stamped = { timestamp: new Date(1_795_000_000_000), idempotencyKey: "evt_1NG8Du2eZvKYlo2CUI79vXWy" }
  const customer = {
    id: "cus_NffrFeUfNV2Hib",
    object: "customer",
    email: "jennyrosen@example.com",
    name: "Jenny Rosen",
    metadata: { userId: "u_1" }
  }

  it.effect("a customer is about its own id and your user id, and its address is only a property", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(plain(yield* saying(source, event("customer.created", customer))), [
        {
          name: "contact.created",
          anonymousId: "cus_NffrFeUfNV2Hib",
          email: "jennyrosen@example.com",
          emailVerified: false,
          eventProperties: { id: "cus_NffrFeUfNV2Hib" },
          userId: "u_1",
          ...stamped
        }
      ])
      const named = stripe({ secret, userIdMetadata: "uid" })
      const other = event("customer.updated", { ...customer, metadata: { uid: "u_2" } })
      assert.deepInclude((yield* saying(named, other))[0], { name: "contact.updated", userId: "u_2" })
    })
  )

  it.effect("a subscription and an invoice are about their customer, whether named or whole", () =>
    Effect.gen(function* () {
      const subscription = { id: "sub_1", object: "subscription", status: "active", currency: "usd", items: {} }
      for (const holder of ["cus_NffrFeUfNV2Hib", customer]) {
        const sent = event("customer.subscription.updated", { ...subscription, customer: holder })
        assert.deepStrictEqual(plain(yield* saying(source, sent)), [
          {
            name: "subscription.updated",
            anonymousId: "cus_NffrFeUfNV2Hib",
            eventProperties: { id: "sub_1", status: "active", currency: "usd" },
            ...stamped
          }
        ])
      }
    })
  )

  it.effect("a paid invoice is worth what was paid, in the currency's own digits, and no other is", () =>
    Effect.gen(function* () {
      const invoice = (type: string, amount_paid: unknown, currency: string) =>
        saying(source, event(type, { id: "in_1", customer: "cus_1", amount_paid, currency }))
      for (const [currency, value] of [
        ["usd", 19.99],
        ["jpy", 1999],
        ["kwd", 1.999]
      ] as const) {
        assert.deepInclude((yield* invoice("invoice.paid", 1999, currency))[0], {
          name: "invoice.paid",
          value,
          currency
        })
      }
      for (const type of ["invoice.payment_succeeded", "invoice.created"]) {
        assert.notProperty((yield* invoice(type, 1999, "usd"))[0], "value")
      }
      assert.notProperty((yield* invoice("invoice.paid", "1999", "usd"))[0], "value")
    })
  )

  it.effect("what a payer chooses, and everything else, is left out", () =>
    Effect.gen(function* () {
      for (const type of [
        "checkout.session.completed",
        "charge.succeeded",
        "customer.source.created",
        "invoiceitem.created"
      ]) {
        const object = { id: "cs_1", customer: "cus_1", client_reference_id: "u_victim" }
        assert.deepStrictEqual(yield* saying(source, event(type, object)), [], type)
      }
    })
  )
})

describe("Clerk", () => {
  const source = clerk({ secret })
  const user = {
    birthday: "",
    created_at: 1_654_012_591_514,
    email_addresses: [
      {
        email_address: "other@example.org",
        id: "idn_2",
        linked_to: [],
        object: "email_address",
        verification: { status: "verified", strategy: "ticket" }
      },
      {
        email_address: "example@example.org",
        id: "idn_29w83yL7CwVlJXylYLxcslromF1",
        linked_to: [],
        object: "email_address",
        verification: { status: "verified", strategy: "ticket" }
      }
    ],
    external_id: "567772",
    first_name: "Example",
    id: "user_29w83sxmDNGwOuEthce5gg56FcC",
    last_name: "Example",
    object: "user",
    primary_email_address_id: "idn_29w83yL7CwVlJXylYLxcslromF1",
    public_metadata: {},
    username: null
  }
  const event = (type: string, data: object) => ({
    data,
    instance_id: "ins_123",
    object: "event",
    timestamp: 1_795_000_000_835,
    type
  })
  const headers = { "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek" }
  const stamped = { timestamp: new Date(1_795_000_000_835), idempotencyKey: "msg_p5jXN8AQM9LWM0D4loKWxJek" }

  it.effect("a user has Clerk's id, the primary address, verified, and a name", () =>
    Effect.gen(function* () {
      for (const change of ["created", "updated"]) {
        assert.deepStrictEqual(plain(yield* saying(source, event(`user.${change}`, user), headers)), [
          {
            name: `contact.${change}`,
            userId: "user_29w83sxmDNGwOuEthce5gg56FcC",
            email: "example@example.org",
            emailVerified: true,
            contactProperties: { firstName: "Example", lastName: "Example" },
            ...stamped
          }
        ])
      }
    })
  )

  it.effect("the idempotency key is the id that was signed, whatever else is called an id", () =>
    Effect.gen(function* () {
      const [said] = yield* saying(source, event("user.deleted", { id: "u" }), {
        "webhook-id": "msg_signed",
        "svix-id": "msg_anything"
      })
      assert.strictEqual(said?.idempotencyKey, "msg_signed")
    })
  )

  it.effect("an address that is not verified, or not the primary one, is not said to be", () =>
    Effect.gen(function* () {
      const [other, primary] = user.email_addresses
      for (const verification of [{ status: "unverified" }, null, undefined, "verified"]) {
        const email_addresses = [other, { ...primary, verification }]
        const [said] = yield* saying(source, event("user.created", { ...user, email_addresses }), headers)
        assert.deepInclude(said, { email: "example@example.org", emailVerified: false })
      }
      for (const data of [
        { ...user, primary_email_address_id: null },
        { ...user, email_addresses: [other] }
      ]) {
        const [said] = plain(yield* saying(source, event("user.created", data), headers))
        assert.notProperty(said, "email")
      }
    })
  )

  it.effect("a user who is gone, and somebody on the waitlist", () =>
    Effect.gen(function* () {
      const gone = event("user.deleted", { deleted: true, id: "user_1", object: "user" })
      assert.deepStrictEqual(plain(yield* saying(source, gone, headers)), [
        { name: "contact.deleted", userId: "user_1", ...stamped }
      ])
      const waiting = event("waitlistEntry.created", { id: "wle_1", email_address: "a@b.co", status: "pending" })
      assert.deepStrictEqual(plain(yield* saying(source, waiting, headers)), [
        { name: "waitlist.joined", anonymousId: "wle_1", email: "a@b.co", emailVerified: false, ...stamped }
      ])
      assert.deepStrictEqual(yield* saying(source, event("session.created", { id: "s", user_id: "u" }), headers), [])
    })
  )

  it.effect("seconds are a time as well as milliseconds, and what is none is left out", () =>
    Effect.gen(function* () {
      const at = (timestamp: unknown) =>
        Effect.map(
          saying(source, { type: "user.deleted", data: { id: "u" }, timestamp }, headers),
          ([said]) => said?.timestamp
        )
      assert.deepStrictEqual(yield* at(1_795_000_000), new Date(1_795_000_000_000))
      for (const none of [null, "now", -1, 1e300]) assert.isUndefined(yield* at(none))
    })
  )
})

describe("A preset", () => {
  it.effect.prop(
    "never throws, whatever JSON its fields hold",
    [Schema.Json, Schema.Json, Schema.Json],
    ([one, two, three]) =>
      Effect.gen(function* () {
        const bodies = [
          one,
          { event: { event: "x", distinct_id: "d", uuid: one, timestamp: two, properties: three }, person: one },
          { event: { event: "x", distinct_id: "d", properties: { $groups: one } }, person: { properties: two } },
          { type: "track", event: "x", userId: one, anonymousId: two, properties: three },
          { type: "identify", userId: "u", traits: one, timestamp: two, messageId: three },
          { type: "group", userId: "u", groupId: one },
          { id: "e", type: "invoice.paid", created: one, data: { object: { amount_paid: two, currency: three } } },
          { id: "e", type: "customer.created", data: { object: { id: one, metadata: two, email: three } } },
          { id: "e", type: "customer.subscription.created", data: { object: { customer: one, status: two } } },
          { type: "user.created", timestamp: one, data: { primary_email_address_id: "p", email_addresses: two } },
          {
            type: "user.created",
            data: { primary_email_address_id: "p", email_addresses: [two, { id: "p", verification: one }] }
          },
          { type: "waitlistEntry.created", data: { id: one, email_address: two } }
        ]
        for (const source of [posthog({ secret }), segment({ secret }), stripe({ secret }), clerk({ secret })]) {
          for (const body of bodies) {
            yield* Effect.catchTags(saying(source, body), {
              RequestInvalid: () => Effect.succeed([]),
              BodyMalformed: () => Effect.succeed([])
            })
          }
        }
      })
  )
})
