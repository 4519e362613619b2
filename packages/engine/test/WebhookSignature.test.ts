/** Signatures as the specification's own package verifies them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Webhook } from "standardwebhooks"
import { randomBytes } from "../src/SyncCrypto.ts"
import { makeSigner, webhookSecret } from "../src/WebhookSignature.ts"

const [first, second, third] = [24, 32, 64].map((length) => webhookSecret(randomBytes(length))) as [
  string,
  string,
  string
]
const message = { id: "msg_1", timestampSeconds: Math.floor(Date.now() / 1000), body: '{"a":"ä"}' }

const verifies = (secret: string, body: string, headers: Record<string, string>): boolean => {
  try {
    new Webhook(secret).verify(body, headers)
    return true
  } catch {
    return false
  }
}

describe("A signature", () => {
  it.effect.prop("is verified of every body", [Schema.Record(Schema.String, Schema.Json)], ([data]) =>
    Effect.sync(() => {
      const body = JSON.stringify(data)
      assert.isTrue(verifies(first, body, makeSigner([first])({ ...message, body })))
    })
  )

  it("is that of the specification's example", () => {
    // From the test vectors of the reference libraries.
    const headers = makeSigner(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])({
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      timestampSeconds: 1_614_265_330,
      body: '{"test": 2432232314}'
    })
    assert.deepStrictEqual(headers, {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    })
  })

  it("of two secrets is verified by either of them and by no other", () => {
    const headers = makeSigner([second, third])(message)
    assert.isTrue(verifies(second, message.body, headers))
    assert.isTrue(verifies(third, message.body, headers))
    assert.isFalse(verifies(first, message.body, headers))
  })

  it("is not verified when the id, the time or the body is another", () => {
    const headers = makeSigner([first])(message)
    assert.isTrue(verifies(first, message.body, headers))
    assert.isFalse(verifies(first, `${message.body} `, headers))
    assert.isFalse(verifies(first, message.body, { ...headers, "webhook-id": "msg_2" }))
    const later = String(message.timestampSeconds + 1)
    assert.isFalse(verifies(first, message.body, { ...headers, "webhook-timestamp": later }))
  })
})
