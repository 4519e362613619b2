/** The wire form is held against a second implementation written from its description alone. */
import { createHmac } from "node:crypto"
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { generateUserToken, verifyUserToken } from "../../src/UserTokens/userToken.ts"

const secret = "a-secret-of-at-least-32-characters!"
const previous = "the-secret-that-was-used-until-now!"
const nowMs = 1_760_000_000_000
const nowSeconds = nowMs / 1000
const month = 30 * 24 * 60 * 60
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

const sign = (payload: string, key = secret) =>
  `${payload}.${createHmac("sha256", key).update(payload).digest("base64url")}`
const signJson = (value: unknown, key = secret) => sign(Buffer.from(JSON.stringify(value)).toString("base64url"), key)
const verify = (token: string, at = nowMs) => verifyUserToken(token, { secrets: [secret, previous], nowMs: at })
const faultOf = (token: string, at = nowMs) => Result.getOrThrow(Result.flip(verify(token, at)))

const UserId = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200))

describe("userToken", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: nowMs, toFake: ["Date"] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it("verifies a token made from the published description", () => {
    const token = signJson({ userId: "user_123", iat: nowSeconds, exp: nowSeconds + 60 })
    assert.deepStrictEqual(
      verify(token),
      Result.succeed({ userId: "user_123", issuedAt: nowMs, expiresAt: nowSeconds + 60 })
    )
  })

  it("without iat, which older clients leave out, was minted 30 days before exp at the earliest", () => {
    const token = signJson({ userId: "user_123", exp: nowSeconds + 60 })
    assert.deepStrictEqual(
      verify(token),
      Result.succeed({ userId: "user_123", issuedAt: nowMs + 60_000 - month * 1000, expiresAt: nowSeconds + 60 })
    )
  })

  it.prop(
    "says when it was minted, to the millisecond",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 }))],
    ([at]) => {
      vi.setSystemTime(at)
      const verified = Result.getOrThrow(verify(generateUserToken({ secret, userId: "u" }), at))
      assert.strictEqual(verified.issuedAt, at)
      assert.strictEqual(verified.expiresAt, Math.floor(at / 1000) + 3600)
    }
  )

  it("was not minted before a fraction of a millisecond is over", () => {
    const token = signJson({ userId: "u", iat: nowSeconds - 0.000_001, exp: nowSeconds + 60 })
    assert.strictEqual(Result.getOrThrow(verify(token)).issuedAt, nowMs - 1)
  })

  it("was minted at most 5 seconds ahead of now and not after it expires", () => {
    const minted = (iat: number, exp = nowSeconds + 60) => signJson({ userId: "u", iat, exp })
    assert.strictEqual(Result.getOrThrow(verify(minted(nowSeconds + 5))).issuedAt, nowMs + 5000)
    assert.match(faultOf(minted(nowSeconds + 5.001)).detail, /ahead of/)
    assert.isTrue(Result.isSuccess(verify(minted(nowSeconds + 2, nowSeconds + 2))))
    assert.match(faultOf(minted(nowSeconds + 2.001, nowSeconds + 2)).detail, /later than exp/)
    assert.match(faultOf(minted(nowMs)).detail, /iat/)
  })

  it("generates exactly the published form, valid for an hour", () => {
    assert.strictEqual(
      generateUserToken({ secret, userId: "user_123" }),
      signJson({ userId: "user_123", iat: nowSeconds, exp: nowSeconds + 3600 })
    )
  })

  it.prop("verifies what it generates, whoever the user", [UserId], ([userId]) => {
    const expiresAt = nowSeconds + month
    const token = generateUserToken({ secret, userId, expiresInSeconds: month })
    assert.deepStrictEqual(verify(token), Result.succeed({ userId, issuedAt: nowMs, expiresAt }))
  })

  it.prop(
    "fails when any one character is another",
    [
      UserId,
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })),
      Schema.Literals([...alphabet, "=", ".", "+", "\n", "é"])
    ],
    ([userId, at, other]) => {
      const token = generateUserToken({ secret, userId })
      const index = at % token.length
      if (token[index] === other) return
      const mutated = token.slice(0, index) + other + token.slice(index + 1)
      assert.strictEqual(faultOf(mutated).reason, "invalid")
    }
  )

  it("fails for every single-character mutation of one token, and for every way to drop or add one", () => {
    const token = generateUserToken({ secret, userId: "user_123" })
    for (let i = 0; i < token.length; i++) {
      for (const other of alphabet) {
        if (other === token[i]) continue
        assert.strictEqual(faultOf(token.slice(0, i) + other + token.slice(i + 1)).reason, "invalid")
      }
      assert.strictEqual(faultOf(token.slice(0, i) + token.slice(i + 1)).reason, "invalid")
      assert.strictEqual(faultOf(`${token.slice(0, i)}\n${token.slice(i)}`).reason, "invalid")
    }
  })

  it("accepts the previous secret, and no other", () => {
    const payload = { userId: "u", exp: nowSeconds + 60 }
    assert.isTrue(Result.isSuccess(verify(signJson(payload, previous))))
    assert.match(faultOf(signJson(payload, "some-other-secret-of-32-characters")).detail, /another secret/)
  })

  it("accepts the signing secret when it is listed twice", () => {
    const token = signJson({ userId: "u", exp: nowSeconds + 60 })
    assert.isTrue(Result.isSuccess(verifyUserToken(token, { secrets: [secret, secret], nowMs })))
  })

  it.each([
    ["an extra segment", (token: string) => `${token}.AA`],
    ["an empty extra segment", (token: string) => `${token}.`],
    ["padding of the signature", (token: string) => `${token}=`],
    ["padding of the payload", (token: string) => token.replace(".", "=.")],
    ["no signature", (token: string) => `${token.split(".")[0]!}.`],
    ["no dot", (token: string) => token.replace(".", "")],
    ["no payload", (token: string) => `.${token.split(".")[1]!}`],
    ["a signature cut short", (token: string) => token.slice(0, -4)],
    ["white space around", (token: string) => ` ${token} `],
    ["nothing", () => ""]
  ])("refuses %s", (_, alter) => {
    assert.strictEqual(faultOf(alter(signJson({ userId: "u", exp: nowSeconds + 60 }))).reason, "invalid")
  })

  it("refuses a signature whose unused last bits are set, though its bytes are right", () => {
    const token = signJson({ userId: "u", exp: nowSeconds + 60 })
    const sibling = token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) + 1]!
    assert.deepStrictEqual(
      Buffer.from(sibling.split(".")[1]!, "base64url"),
      Buffer.from(token.split(".")[1]!, "base64url")
    )
    assert.match(faultOf(sibling).detail, /base64url/)
  })

  it("refuses a signed payload that is not canonical base64url", () => {
    const payload = Buffer.from(JSON.stringify({ userId: "us", exp: nowSeconds + 60 })).toString("base64url")
    assert.notStrictEqual(payload.length % 4, 0)
    const sibling = payload.slice(0, -1) + alphabet[alphabet.indexOf(payload.at(-1)!) + 1]!
    assert.match(faultOf(sign(sibling)).detail, /base64url/)
    assert.match(faultOf(sign(`${payload}=`)).detail, /base64url/)
  })

  it.each([
    ["no user", { exp: nowSeconds + 60 }],
    ["an empty user", { userId: "", exp: nowSeconds + 60 }],
    ["a number as user", { userId: 1, exp: nowSeconds + 60 }],
    ["no exp", { userId: "u" }],
    ["exp as text", { userId: "u", exp: String(nowSeconds + 60) }],
    ["a fraction", { userId: "u", exp: nowSeconds + 60.5 }],
    ["iat as text", { userId: "u", iat: String(nowSeconds), exp: nowSeconds + 60 }],
    ["iat that is null", { userId: "u", iat: null, exp: nowSeconds + 60 }],
    ["null", null],
    ["an array", ["u", nowSeconds + 60]]
  ])("refuses a signed payload with %s", (_, payload) => {
    assert.match(faultOf(signJson(payload)).detail, /payload must be JSON/)
  })

  it("refuses a signed payload that is not JSON, not UTF-8 or begins with a byte order mark", () => {
    const json = JSON.stringify({ userId: "u", exp: nowSeconds + 60 })
    const miscoded = Buffer.from(json.replace('"u"', '"\u00ff"'), "latin1")
    for (const bytes of [Buffer.from("{"), miscoded, Buffer.from(`\ufeff${json}`)]) {
      assert.match(faultOf(sign(bytes.toString("base64url"))).detail, /payload must be JSON/)
    }
  })

  it("refuses a token over 4096 characters before reading it", () => {
    assert.match(faultOf(signJson({ userId: "u".repeat(4096), exp: nowSeconds + 60 })).detail, /4096/)
  })

  it("expires 5 seconds after exp, to the millisecond", () => {
    const token = signJson({ userId: "u", exp: nowSeconds })
    assert.isTrue(Result.isSuccess(verify(token, nowMs + 4_999)))
    assert.deepStrictEqual(faultOf(token, nowMs + 5_000), {
      reason: "expired",
      detail: "it has expired",
      expiredAt: nowSeconds
    })
  })

  it("allows 30 days ahead and 5 seconds", () => {
    assert.isTrue(Result.isSuccess(verify(signJson({ userId: "u", exp: nowSeconds + month + 5 }))))
    assert.match(faultOf(signJson({ userId: "u", exp: nowSeconds + month + 6 })).detail, /30 days/)
  })

  it("asks about milliseconds", () => {
    assert.match(faultOf(signJson({ userId: "u", exp: nowMs + 3_600_000 })).detail, /in milliseconds\?/)
  })

  it("does not call a forged token expired", () => {
    assert.strictEqual(faultOf(signJson({ userId: "u", exp: 1 }, "x".repeat(32))).reason, "invalid")
  })

  it.each([
    ["an empty user id", TypeError, { secret, userId: "" }],
    ["a user id over 200 characters", RangeError, { secret, userId: "u".repeat(201) }],
    ["a secret of 31 characters", RangeError, { secret: "x".repeat(31), userId: "u" }],
    ["no life", RangeError, { secret, userId: "u", expiresInSeconds: 0 }],
    ["a negative life", RangeError, { secret, userId: "u", expiresInSeconds: -1 }],
    ["half seconds", RangeError, { secret, userId: "u", expiresInSeconds: 1.5 }],
    ["NaN", RangeError, { secret, userId: "u", expiresInSeconds: NaN }],
    ["over 30 days", RangeError, { secret, userId: "u", expiresInSeconds: month + 1 }]
  ])("does not sign with %s", (_, error, options) => {
    assert.throws(() => generateUserToken(options), error)
  })

  it("signs at both ends of what is allowed", () => {
    const edge = { secret: "x".repeat(32), userId: "u" }
    assert.isString(generateUserToken({ ...edge, expiresInSeconds: 1 }))
    assert.isString(generateUserToken({ ...edge, expiresInSeconds: month }))
  })
})
