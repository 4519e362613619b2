/** Signatures as vendors document them: the good ones, and every way in which one is not. */
import { assert, describe, it } from "@effect/vitest"
import type { SourceAuth } from "@hogsend/core"
import { Redacted, Result } from "effect"
import { createHmac } from "node:crypto"
import { Webhook } from "standardwebhooks"
import { makeVerify, secretsOf } from "../../src/WebhookSources/verifyRequest.ts"

interface Sent {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string | Uint8Array
  readonly at?: number
}

const check = (auth: SourceAuth, { at = 0, body, headers }: Sent) => {
  const verify = Result.getOrThrow(makeVerify(auth))
  if (verify === undefined) throw new Error("closed")
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body
  return verify({ headers, body: bytes, nowSeconds: at })
}

const isGood = (auth: SourceAuth, sent: Sent) => Result.isSuccess(check(auth, sent))
const wrongWith = (auth: SourceAuth, sent: Sent) => Result.getOrThrow(Result.flip(check(auth, sent)))

describe("The secret itself", () => {
  const auth: SourceAuth = { type: "secret", header: "X-Our-Secret", secret: "open sesame" }

  it("is taken from its header, whatever its case was written in, and as a bearer", () => {
    assert.isTrue(isGood(auth, { headers: { "x-our-secret": "open sesame" }, body: "{}" }))
    assert.isTrue(isGood({ ...auth, secret: "abc" }, { headers: { authorization: "Bearer abc" }, body: "" }))
    assert.isTrue(isGood({ ...auth, secret: "abc" }, { headers: { authorization: "bearer  abc" }, body: "" }))
  })

  it("may be a bearer, too, where its header is Authorization, and where its own header is empty", () => {
    const other: SourceAuth = { ...auth, header: "Authorization", secret: "abc" }
    for (const authorization of ["Bearer abc", "abc"])
      assert.isTrue(isGood(other, { headers: { authorization }, body: "" }), authorization)
    assert.match(wrongWith(other, { headers: { authorization: "Bearer abd" }, body: "" }), /not the one/)
    const both = { "x-our-secret": "", authorization: "Bearer abc" }
    assert.isTrue(isGood({ ...auth, secret: "abc" }, { headers: both, body: "" }))
  })

  it("is refused when it is another, a part, longer, or not there", () => {
    for (const sent of ["open", "open sesame ", "Open sesame", "open sesame!", "x"]) {
      assert.match(wrongWith(auth, { headers: { "x-our-secret": sent }, body: "{}" }), /not the one/, sent)
    }
    for (const headers of [{}, { "x-our-secret": "" }, { authorization: "Basic abc" }, { authorization: "Bearer" }]) {
      assert.match(wrongWith(auth, { headers, body: "{}" }), /carries no secret.*x-our-secret/)
    }
  })

  it("may be any of several, redacted or not; an empty one is none", () => {
    const secret = [Redacted.make("next"), "", "before"]
    for (const sent of ["next", "before"])
      assert.isTrue(isGood({ ...auth, secret }, { headers: { "x-our-secret": sent }, body: "" }))
    assert.match(wrongWith({ ...auth, secret }, { headers: { "x-our-secret": "<redacted>" }, body: "" }), /not the one/)
    for (const none of [undefined, "", [], [""], Redacted.make(""), [Redacted.make("")]]) {
      assert.deepStrictEqual(secretsOf({ ...auth, secret: none }), [])
      assert.isUndefined(Result.getOrThrow(makeVerify({ ...auth, secret: none })))
    }
  })
})

describe("Standard Webhooks", () => {
  // The example of Svix's documentation.
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  const auth: SourceAuth = { type: "signature", scheme: "standard-webhooks", secret }
  const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
  const body = '{"test": 2432232314}'
  const at = 1_614_265_330
  const svix = (signatures: string, id = "msg_p5jXN8AQM9LWM0D4loKWxJek", time = String(at)) => ({
    "svix-id": id,
    "svix-timestamp": time,
    "svix-signature": signatures
  })

  it("takes the documented signature, under Svix's headers and under the standard's", () => {
    assert.isTrue(isGood(auth, { headers: svix(signature), body, at }))
    const standard = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": String(at),
      "webhook-signature": signature
    }
    assert.isTrue(isGood(auth, { headers: standard, body, at }))
    assert.isTrue(isGood({ ...auth, secret: secret.slice("whsec_".length) }, { headers: standard, body, at }))
  })

  it("takes what the standard's own library signs, of bytes that are no ASCII too", () => {
    const text = '{"name":"Zoë 🐗"}'
    const headers = svix(new Webhook(secret).sign("msg_1", new Date(at * 1000), text), "msg_1")
    assert.isTrue(isGood(auth, { headers, body: text, at }))
  })

  it("needs one good signature of several, under any secret of a rotation", () => {
    const other = "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo="
    assert.isTrue(isGood(auth, { headers: svix(`${other} v2,abc ${signature}`), body, at }))
    assert.match(wrongWith(auth, { headers: svix(`${other} v1,!!`), body, at }), /not one of this body/)
    const rotated: SourceAuth = { ...auth, secret: ["whsec_bmV4dCBzZWNyZXQgb2Ygb3VycyBoZXJl", Redacted.make(secret)] }
    assert.isTrue(isGood(rotated, { headers: svix(signature), body, at }))
    assert.match(
      wrongWith({ ...auth, secret: "whsec_bmV4dCBzZWNyZXQgb2Ygb3VycyBoZXJl" }, { headers: svix(signature), body, at }),
      /not one/
    )
  })

  it("refuses another body, id, time or version", () => {
    assert.match(
      wrongWith(auth, { headers: svix(signature), body: '{"test": 2432232315}', at }),
      /not one of this body/
    )
    assert.match(wrongWith(auth, { headers: svix(signature), body: `${body} `, at }), /not one of this body/)
    assert.match(wrongWith(auth, { headers: svix(signature, "msg_other"), body, at }), /not one of this body/)
    assert.match(
      wrongWith(auth, { headers: svix(signature, undefined, String(at + 1)), body, at }),
      /not one of this body/
    )
    for (const wrong of ["", signature.replace("v1", "v0"), signature.slice(3), signature.slice(0, -4)]) {
      assert.match(wrongWith(auth, { headers: svix(wrong), body, at }), /not one of this body/, wrong)
    }
  })

  it("refuses what is over five minutes old or ahead", () => {
    for (const off of [-300, 300]) assert.isTrue(isGood(auth, { headers: svix(signature), body, at: at + off }))
    for (const off of [-301, 301, 86_400]) {
      assert.match(wrongWith(auth, { headers: svix(signature), body, at: at + off }), /five minutes/, String(off))
    }
    for (const time of ["soon", "-1", "1e9", " 1614265330", "1614265330.5"]) {
      const headers = svix(`v1,${hmac("sha256", secret, `msg_1.${time}.${body}`)}`, "msg_1", time)
      assert.match(wrongWith(auth, { headers, body, at }), /five minutes/, time)
    }
  })

  const hmac = (algorithm: string, key: string, data: string) =>
    createHmac(algorithm, Buffer.from(key.slice("whsec_".length), "base64"))
      .update(data)
      .digest("base64")

  it("needs all three headers", () => {
    for (const missing of ["svix-id", "svix-timestamp", "svix-signature"]) {
      assert.match(
        wrongWith(auth, { headers: { ...svix(signature), [missing]: undefined }, body, at }),
        /no signature/,
        missing
      )
    }
  })

  it("refuses a secret that is none, and does not tell it", () => {
    for (const none of ["whsec_!!!", "whsec_", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not base64 at all"]]) {
      const failure = Result.getOrThrow(Result.flip(makeVerify({ ...auth, secret: none })))
      assert.match(failure, /no signing secret/)
      assert.notMatch(failure, /!!!|not base64 at/)
    }
  })
})

describe("Stripe", () => {
  // What Stripe's own library makes of its tests' payload and secret.
  const secret = "whsec_test_secret"
  const body = '{\n  "id": "evt_test_webhook",\n  "object": "event"\n}'
  const at = 1_776_000_000
  const sign = (key: string, time: number | string = at, text = body) =>
    createHmac("sha256", key).update(`${time}.${text}`).digest("hex")
  const auth: SourceAuth = { type: "signature", scheme: "stripe", secret }
  const headers = (value: string | undefined) => ({ "stripe-signature": value })

  it("takes a signature of the time and the body", () => {
    assert.isTrue(isGood(auth, { headers: headers(`t=${at},v1=${sign(secret)}`), body, at }))
    assert.isTrue(isGood(auth, { headers: headers(`t=${at}, v1=${sign(secret)}`), body, at }))
  })

  it("takes one good signature of several, and a v0 never", () => {
    const good = sign(secret)
    assert.isTrue(
      isGood(auth, { headers: headers(`t=${at},v1=${"0".repeat(64)},v1=${good},v0=${"0".repeat(64)}`), body, at })
    )
    assert.isTrue(
      isGood({ ...auth, secret: ["whsec_next", secret] }, { headers: headers(`t=${at},v1=${good}`), body, at })
    )
    assert.match(
      wrongWith(auth, { headers: headers(`t=${at},v1=${"0".repeat(64)},v0=${good}`), body, at }),
      /not one of this body/
    )
  })

  it("refuses another body, another time, another secret", () => {
    const good = `t=${at},v1=${sign(secret)}`
    assert.match(
      wrongWith(auth, { headers: headers(good), body: body.replace("evt_test", "evt_best"), at }),
      /not one of this body/
    )
    assert.match(
      wrongWith(auth, { headers: headers(good.replace(String(at), String(at + 1))), body, at }),
      /not one of this body/
    )
    assert.match(
      wrongWith(auth, { headers: headers(`t=${at},v1=${sign("whsec_other")}`), body, at }),
      /not one of this body/
    )
  })

  it("refuses what is over five minutes old", () => {
    assert.isTrue(isGood(auth, { headers: headers(`t=${at},v1=${sign(secret)}`), body, at: at + 300 }))
    assert.match(
      wrongWith(auth, { headers: headers(`t=${at},v1=${sign(secret)}`), body, at: at + 301 }),
      /five minutes/
    )
  })

  it("refuses every other shape of the header", () => {
    const good = sign(secret)
    for (const value of [
      undefined,
      "",
      "t=",
      `v1=${good}`,
      `t=${at}`,
      `${at},${good}`,
      `t=${at};v1=${good}`,
      "v1",
      ","
    ]) {
      assert.match(wrongWith(auth, { headers: headers(value), body, at }), /no signature/, value)
    }
    for (const value of [`t=${at},v1=`, `t=${at},v1=zz`, `t=${at},v1=${good.slice(2)}`]) {
      assert.match(wrongWith(auth, { headers: headers(value), body, at }), /not one of this body/, value)
    }
    for (const time of ["NaN", "-5", "1e9"]) {
      assert.match(
        wrongWith(auth, { headers: headers(`t=${time},v1=${sign(secret, time)}`), body, at }),
        /five minutes/,
        time
      )
    }
  })
})

describe("An HMAC of the body", () => {
  const body = "Hello, World!"

  it("takes what GitHub documents", () => {
    // "It's a Secret to Everybody" of GitHub's page on validating deliveries.
    const digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    const secret = "It's a Secret to Everybody"
    const auth: SourceAuth = { type: "signature", scheme: "hmac-sha256-hex", secret, header: "X-Hub-Signature-256" }
    for (const value of [`sha256=${digest}`, digest]) {
      assert.isTrue(isGood(auth, { headers: { "x-hub-signature-256": value }, body }))
    }
    assert.match(
      wrongWith(auth, { headers: { "x-hub-signature-256": `sha256=${digest}` }, body: "Hello, World?" }),
      /not one/
    )
    assert.match(
      wrongWith(auth, { headers: { "x-hub-signature-256": `sha256=${digest.slice(0, 62)}` }, body }),
      /not one/
    )
    assert.match(wrongWith(auth, { headers: {}, body }), /no signature.*x-hub-signature-256/)
  })

  it("takes it in base64, and, as Segment signs, as SHA-1 in hex", () => {
    const of = (algorithm: string, encoding: "hex" | "base64") =>
      createHmac(algorithm, "s3cret").update(body).digest(encoding)
    const by = (scheme: "hmac-sha256-base64" | "hmac-sha1-hex"): SourceAuth => ({
      type: "signature",
      scheme,
      secret: ["next", "s3cret"]
    })
    assert.isTrue(isGood(by("hmac-sha256-base64"), { headers: { "x-signature": of("sha256", "base64") }, body }))
    assert.isTrue(isGood(by("hmac-sha1-hex"), { headers: { "x-signature": of("sha1", "hex") }, body }))
    assert.match(wrongWith(by("hmac-sha1-hex"), { headers: { "x-signature": of("sha256", "hex") }, body }), /not one/)
    assert.match(wrongWith(by("hmac-sha1-hex"), { headers: { "x-signature": of("sha1", "base64") }, body }), /not one/)
    // RFC 2202, test case 2.
    const jefe: SourceAuth = { type: "signature", scheme: "hmac-sha1-hex", secret: "Jefe" }
    const digest = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    assert.isTrue(isGood(jefe, { headers: { "x-signature": digest }, body: "what do ya want for nothing?" }))
  })

  it("is of the bytes, whatever text they are", () => {
    const bytes = new Uint8Array([0xff, 0x00, 0xc3])
    const auth: SourceAuth = { type: "signature", scheme: "hmac-sha256-hex", secret: "k" }
    const digest = createHmac("sha256", "k").update(bytes).digest("hex")
    assert.isTrue(isGood(auth, { headers: { "x-signature": digest }, body: bytes }))
    assert.match(
      wrongWith(auth, { headers: { "x-signature": digest }, body: new Uint8Array([0xfe, 0x00, 0xc3]) }),
      /not one/
    )
  })
})
