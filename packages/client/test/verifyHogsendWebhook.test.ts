/** Webhooks as the specification's own vectors and package sign them, as frameworks hand them in, and as our queue sends them. */
import { describe, expect, it } from "@effect/vitest"
import { Hogsend, verifyHogsendWebhook, type VerifyWebhookOptions, WebhookVerificationError } from "@hogsend/client"
import { TestDatabase, TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { inspect } from "node:util"
import { Webhook } from "standardwebhooks"
import { vi } from "vitest"
import { startFaultyServer } from "./faultyServer.ts"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const another = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
const id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
const payload = JSON.stringify({
  id,
  type: "contact.created",
  timestamp: "2026-11-22T10:00:00.000Z",
  data: { userId: "ü" }
})

const signed = (text = payload, at = new Date(), by = secret, prefix = "webhook") => ({
  [`${prefix}-id`]: id,
  [`${prefix}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
  [`${prefix}-signature`]: new Webhook(by).sign(id, at, text)
})

const verify = (options: Partial<VerifyWebhookOptions> = {}) =>
  verifyHogsendWebhook({ payload, headers: signed(), secret, ...options })

/** Why it is refused. Tells nobody the secret, what was expected or what the body holds. */
const reasonOf = (options: Partial<VerifyWebhookOptions>) => {
  try {
    verify(options)
  } catch (error) {
    for (const text of [secret.slice(6), signed()["webhook-signature"]?.slice(3) ?? "", "2432232314"]) {
      expect(inspect(error, { depth: null, showHidden: true }).split("\n    at ")[0]).not.toContain(text)
    }
    expect(error).toBeInstanceOf(WebhookVerificationError)
    return (error as WebhookVerificationError).reason
  }
  return expect.fail("it was verified")
}

describe("A webhook is verified", () => {
  it("by the vector of the specification's libraries", () => {
    const vector = {
      payload: '{"test": 2432232314}',
      headers: {
        "webhook-id": id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
      },
      tolerance: Infinity
    }
    // The signature is right, and the body is no event of ours.
    expect(reasonOf(vector)).toBe("payload")
    expect(reasonOf({ ...vector, payload: '{"test": 2432232315}' })).toBe("signature")
  })

  it.for([
    ["a record", signed()],
    ["a Headers", new Headers(signed())],
    ["capitals", Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name.toUpperCase(), value]))],
    ["lists of values", Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name, [value]]))],
    ["what Node has beside", { ...signed(), host: "example.com", "set-cookie": ["a", "b"], cookie: undefined }],
    ["the names of Svix", signed(payload, new Date(), secret, "svix")]
  ] as ReadonlyArray<readonly [string, VerifyWebhookOptions["headers"]]>)("from headers as %s", ([, headers]) => {
    expect(verify({ headers })).toEqual(JSON.parse(payload))
  })

  it("from its text and from its bytes", () => {
    const bytes = new TextEncoder().encode(payload)
    for (const one of [payload, bytes, bytes.buffer, Buffer.from(payload)])
      expect(verify({ payload: one })).toMatchObject({ id })
    const marked = `\uFEFF${payload}`
    expect(reasonOf({ payload: new TextEncoder().encode(marked) })).toBe("signature")
    expect(reasonOf({ payload: new TextEncoder().encode(marked), headers: signed(marked) })).toBe("payload")
  })

  it("by any of several secrets, and when any of several signatures is one's own", () => {
    expect(verify({ secret: [another, secret] })).toMatchObject({ id })
    const headers = signed()
    const both = ["v2,later", signed(payload, new Date(), another)["webhook-signature"], headers["webhook-signature"]]
    expect(verify({ headers: { ...headers, "webhook-signature": both.join(" ") } })).toMatchObject({ id })
    expect(verify({ headers: { ...headers, "webhook-signature": both as ReadonlyArray<string> } })).toMatchObject({
      id
    })
  })

  it("as long as its time is within the tolerance", () => {
    const at = (seconds: number) => signed(payload, new Date(Date.now() + seconds * 1000))
    for (const seconds of [-290, 290]) expect(verify({ headers: at(seconds) })).toMatchObject({ id })
    for (const seconds of [-310, 310]) expect(reasonOf({ headers: at(seconds) })).toBe("timestamp")
    expect(reasonOf({ headers: at(-100), tolerance: 60 })).toBe("timestamp")
    expect(verify({ headers: at(-1000), tolerance: 2000 })).toMatchObject({ id })
  })
})

describe("A webhook is refused", () => {
  it("without one of its headers, or with one that says nothing", () => {
    for (const name of Object.keys(signed())) {
      expect(reasonOf({ headers: { ...signed(), [name]: undefined } })).toBe("headers")
      expect(reasonOf({ headers: { ...signed(), [name]: "" } })).toBe("headers")
    }
    for (const timestamp of ["soon", "1e9", "-1", "17322", `${Math.floor(Date.now() / 1000)}x`]) {
      expect(reasonOf({ headers: { ...signed(), "webhook-timestamp": timestamp } })).toMatch(/headers|timestamp/)
    }
  })

  it("when its id, its time, its body or its signature is another's", () => {
    const headers = signed()
    const signature = headers["webhook-signature"] ?? ""
    expect(reasonOf({ headers: { ...headers, "webhook-id": "msg_2" } })).toBe("signature")
    const later = String(Number(headers["webhook-timestamp"]) + 1)
    expect(reasonOf({ headers: { ...headers, "webhook-timestamp": later } })).toBe("signature")
    expect(reasonOf({ payload: `${payload} ` })).toBe("signature")
    expect(reasonOf({ secret: another })).toBe("signature")
    for (const wrong of [
      signature.slice(0, -1),
      `${signature}=`,
      signature.slice(3),
      `v2${signature.slice(2)}`,
      "v1,"
    ]) {
      expect(reasonOf({ headers: { ...headers, "webhook-signature": wrong } })).toBe("signature")
    }
  })

  it("when it is signed and no event", () => {
    for (const text of ["", "no JSON", "null", "[]", '{"id":"1"}']) {
      expect(reasonOf({ payload: text, headers: signed(text) })).toBe("payload")
    }
  })

  it("by a TypeError that names the option when the program is wrong, and not the request", () => {
    for (const wrong of ["", "whsec_", "no base64!", [], [secret, ""], undefined]) {
      expect(() => verifyHogsendWebhook({ payload, headers: signed(), secret: wrong as never })).toThrow(/^secret must/)
    }
    expect(() => verify({ payload: JSON.parse(payload) })).toThrow(/^payload must/)
    expect(() => verify({ headers: undefined as never })).toThrow(/^headers must/)
    expect(() => verify({ tolerance: Number.NaN })).toThrow(/^tolerance must/)
  })
})

const connected = TestHogsend.connectedLayer({ destinationQueue: { slots: 4, interval: 20 } }).pipe(
  Layer.provide(TestDatabase.layer)
)

it.live("What the queue sends is verified, by the old secret and by the new one while it is rotated", () =>
  Effect.gen(function* () {
    const { secret: apiKey, url } = yield* TestHogsend
    yield* Effect.promise(async () => {
      await using receiver = await startFaultyServer((response) => response.writeHead(204).end())
      const hogsend = new Hogsend({ baseUrl: url, apiKey })
      const created = await hogsend.webhooks.create({ url: receiver.url, eventTypes: ["contact.created"] })
      const old = created.secret ?? ""
      const { secret: fresh } = await hogsend.webhooks.rotateSecret(created.id)
      await hogsend.contacts.upsert({ userId: "u_1", properties: { name: "Ädä" } })
      await hogsend.webhooks.sendTest(created.id)
      await vi.waitFor(() => expect(receiver.requests).toHaveLength(2), { timeout: 20_000 })
      const events = receiver.requests.map(({ body, headers }) => {
        const [first, second] = [old, fresh].map((one) => verifyHogsendWebhook({ payload: body, headers, secret: one }))
        expect(first).toEqual(second)
        return first
      })
      const told = events.find((event) => event?.type === "contact.created")
      expect(told?.data.userId).toBe("u_1")
      expect(told).toMatchObject({ id: expect.stringMatching(/^msg_/), data: { properties: { name: "Ädä" } } })
      expect(events.find((event) => event?.type === "webhook.test")?.data.endpointId).toBe(created.id)
    })
  }).pipe(Effect.provide(connected))
)
