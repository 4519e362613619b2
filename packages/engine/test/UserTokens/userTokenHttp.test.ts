/** User tokens through real HTTP: the published wire form, where they travel, rotation, and every way to fail. */

// A label tells which of many cases failed.
import { expect, layer } from "@effect/vitest"
import { generateUserToken } from "@hogsend/engine"
import { type Answer, TestHogsend, tokenSecret } from "@hogsend/testing"
import { Effect, Redacted } from "effect"
import { inSeconds, signPayload, signToken } from "../signToken.ts"
import { storedState } from "../storedState.ts"

const previousSecret = "the secret that signed tokens until it was rotated out"
const unknownSecret = "a secret that this server has never heard anything of"

interface Places {
  readonly body?: string
  readonly header?: string
  readonly query?: string
}

const writes = ["POST /v1/events", "PUT /v1/contacts"] as const
const routes = [...writes, "GET /v1/contacts/me"] as const
type Route = (typeof routes)[number]

/** A request that carries tokens in these places; a read has no body. */
const send = Effect.fnUntraced(function* (
  as: "asBrowser" | "asServer",
  route: Route,
  claims: Readonly<Record<string, string>>,
  { body, header, query }: Places
) {
  const hogsend = yield* TestHogsend
  const [method = "", path = ""] = route.split(" ")
  const reads = method === "GET"
  const search = new URLSearchParams({
    ...(reads ? claims : {}),
    ...(query === undefined ? {} : { userToken: query })
  })
  const payload = {
    ...(path === "/v1/events" ? { name: "viewed" } : {}),
    ...claims,
    ...(body === undefined ? {} : { userToken: body })
  }
  return yield* hogsend[as](
    method,
    `${path}?${search}`,
    reads ? undefined : payload,
    header === undefined ? {} : { "x-hogsend-user-token": header }
  )
})

const isAccepted = ({ status }: Answer) => status === 200 || status === 202

const everyPlace = (token: string): ReadonlyArray<readonly [Route, Places]> => [
  ...routes.flatMap((route): ReadonlyArray<readonly [Route, Places]> => [
    [route, { header: token }],
    [route, { query: token }],
    [route, { header: token, query: token }]
  ]),
  ...writes.flatMap((route): ReadonlyArray<readonly [Route, Places]> => [
    [route, { body: token }],
    [route, { body: token, header: token, query: token }]
  ])
]

/** Refused wherever it travels, whoever sends it, and nothing is stored. */
const refusedEverywhere = Effect.fnUntraced(function* (
  token: string,
  expected: { readonly tag: string; readonly says: RegExp }
) {
  const before = yield* storedState
  for (const as of ["asBrowser", "asServer"] as const) {
    for (const [route, places] of everyPlace(token)) {
      // A body that claims no user does not need the token, and it is verified all the same.
      for (const claims of [{ userId: "u_1" }, { anonymousId: "a_1" }]) {
        const at = `${as} ${route} ${Object.keys(places).join("+")} ${Object.keys(claims).join()}`
        const answer = yield* send(as, route, claims, places)
        expect(answer, at).toMatchObject({ status: 403, body: { _tag: expected.tag } })
        expect(answer.body.error, at).toMatch(expected.says)
        expect(answer.body.error, at).toContain("userToken")
      }
    }
  }
  expect(yield* storedState).toEqual(before)
})

layer(TestHogsend.layer({ userTokens: { secrets: [Redacted.make(tokenSecret), Redacted.make(previousSecret)] } }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("User tokens", (it) => {
  it.effect("a token made from the published description is believed in the body, the header and the query", () =>
    Effect.gen(function* () {
      const token = signToken("u_wire")
      for (const [route, places] of everyPlace(token)) {
        const answer = yield* send("asBrowser", route, { userId: "u_wire" }, places)
        const at = `${route} ${Object.keys(places).join("+")}`
        expect(isAccepted(answer), at).toBe(true)
        expect(answer.body, at).toMatchObject(route.startsWith("GET") ? { identified: true } : { contactKey: "u_wire" })
      }
      const { body } = yield* (yield* TestHogsend).asServer("GET", "/v1/admin/events?name=viewed")
      expect(new Set(body.events.map((event: { vouchedBy: string }) => event.vouchedBy))).toEqual(new Set(["user"]))
    })
  )

  it.effect("the engine's own generator signs what the server believes", () =>
    Effect.gen(function* () {
      const minted = generateUserToken({ secret: tokenSecret, userId: "u_minted", expiresInSeconds: 30 * 86_400 })
      const answer = yield* send("asBrowser", "POST /v1/events", { userId: "u_minted" }, { header: minted })
      expect(answer).toMatchObject({ status: 202, body: { contactKey: "u_minted" } })
    })
  )

  it.effect("user ids of any script and shape are believed as they are signed", () =>
    Effect.gen(function* () {
      for (const userId of ["ada@example.com", "user|42", "Ünïcødé-用户-🦔", "018f-….", "a.b.c", "x".repeat(200)]) {
        const answer = yield* send("asBrowser", "PUT /v1/contacts", { userId }, { body: signToken(userId) })
        expect(answer, userId).toMatchObject({ status: 200, body: { contactKey: userId } })
        const mine = yield* send("asBrowser", "GET /v1/contacts/me", { userId }, { header: signToken(userId) })
        expect(mine, userId).toMatchObject({ status: 200, body: { identified: true } })
      }
    })
  )

  it.effect("the tokens of one request must agree", () =>
    Effect.gen(function* () {
      const before = yield* storedState
      const [a, b] = [signToken("u_a"), signToken("u_b")]
      const forged = signToken("u_a", unknownSecret)
      const pairs: ReadonlyArray<Places> = [
        { body: a, header: b },
        { body: a, query: b },
        { header: a, query: b },
        { body: a, header: a, query: b }
      ]
      for (const as of ["asBrowser", "asServer"] as const) {
        for (const places of pairs) {
          for (const claims of [{ userId: "u_a" }, { userId: "u_b" }, { anonymousId: "a_ab" }]) {
            const answer = yield* send(as, "POST /v1/events", claims, places)
            expect(answer, JSON.stringify(places)).toMatchObject({ status: 403, body: { _tag: "UserTokenMismatch" } })
            expect(answer.body.error).toMatch(/more than one userToken/)
          }
        }
        const oneBad = yield* send(as, "POST /v1/events", { userId: "u_a" }, { body: a, header: forged })
        expect(oneBad).toMatchObject({ status: 403, body: { _tag: "UserTokenInvalid" } })
      }
      expect(yield* storedState).toEqual(before)
      // Two tokens for one user agree, though they are not the same text.
      const later = signPayload({ userId: "u_a", exp: inSeconds(60) })
      const both = yield* send("asBrowser", "POST /v1/events", { userId: "u_a" }, { body: a, header: later })
      expect(both).toMatchObject({ status: 202, body: { contactKey: "u_a" } })
    })
  )

  it.effect("a token gives no identity to a write that claims none", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const token = signToken("u_silent")
      for (const [at, route] of writes.entries()) {
        for (const places of [{ body: token }, { header: token }, { query: token }]) {
          const anonymousId = `a_silent_${at}_${Object.keys(places).join()}`
          const answer = yield* send("asBrowser", route, { anonymousId }, places)
          expect(answer.body).toMatchObject({ contactKey: anonymousId, contactKeyKind: "anonymous" })
          const nobody = yield* send("asBrowser", route, {}, places)
          expect(nobody).toMatchObject({ status: 400, body: { _tag: "IdentityMissing" } })
        }
      }
      const found = yield* asServer("GET", "/v1/contacts/find?userId=u_silent")
      expect(found.body.contacts).toEqual([])
      const { body } = yield* asServer("GET", "/v1/admin/events?limit=1")
      expect(body.events).toMatchObject([{ vouchedBy: "public", contactId: null }])
    })
  )

  it.effect("a token says whom a read is about, claimed or not", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      yield* asServer("PUT", "/v1/contacts", { userId: "u_reads", email: "reads@example.com" })
      const token = signToken("u_reads")
      for (const places of [{ header: token }, { query: token }]) {
        for (const claims of [{}, { userId: "u_reads" }, { anonymousId: "a_reads" }]) {
          for (const as of ["asBrowser", "asServer"] as const) {
            const answer = yield* send(as, "GET /v1/contacts/me", claims, places)
            expect(answer, `${as} ${JSON.stringify(claims)}`).toMatchObject({ status: 200, body: { identified: true } })
          }
        }
      }
    })
  )

  it.effect("a token of a previous secret verifies, one of an unknown secret does not", () =>
    Effect.gen(function* () {
      const rotated = signToken("u_rotated", previousSecret)
      const answer = yield* send("asBrowser", "PUT /v1/contacts", { userId: "u_rotated" }, { body: rotated })
      expect(answer).toMatchObject({ status: 200, body: { contactKey: "u_rotated" } })
      const unknown = signToken("u_1", unknownSecret)
      yield* refusedEverywhere(unknown, { tag: "UserTokenInvalid", says: /signature does not match/ })
    })
  )

  it.effect("an expired token says when it expired, as a sentence and as a field", () =>
    Effect.gen(function* () {
      const exp = inSeconds(-3600)
      const at = new Date(exp * 1000).toISOString()
      const token = signPayload({ userId: "u_1", exp })
      yield* refusedEverywhere(token, { tag: "UserTokenExpired", says: new RegExp(`expired at ${at}; mint a new one`) })
      const { body } = yield* send("asBrowser", "POST /v1/events", { userId: "u_1" }, { body: token })
      expect(body.expiredAt).toBe(at)
    })
  )

  it.effect("clocks may differ by a few seconds, and no more", () =>
    Effect.gen(function* () {
      const just = signPayload({ userId: "u_leeway", exp: inSeconds(-1) })
      expect((yield* send("asBrowser", "POST /v1/events", { userId: "u_leeway" }, { body: just })).status).toBe(202)
      const late = signPayload({ userId: "u_leeway", exp: inSeconds(-7) })
      const answer = yield* send("asBrowser", "POST /v1/events", { userId: "u_leeway" }, { body: late })
      expect(answer).toMatchObject({ status: 403, body: { _tag: "UserTokenExpired" } })
    })
  )

  it.effect("an exp in milliseconds would never expire, and the refusal says so", () =>
    Effect.gen(function* () {
      const token = signPayload({ userId: "u_1", exp: Date.now() + 3_600_000 })
      yield* refusedEverywhere(token, { tag: "UserTokenInvalid", says: /milliseconds/ })
    })
  )

  const good = signToken("u_1")
  const [payload = "", signature = ""] = good.split(".")
  const invalid: ReadonlyArray<readonly [string, string]> = [
    ["no token at all", "garbage"],
    ["empty", ""],
    ["a third part", `${good}.x`],
    ["no signature", `${payload}.`],
    ["no payload", `.${signature}`],
    ["padding", `${payload}.${signature}=`],
    ["a payload of another user under the same signature", `${signToken("u_2").split(".")[0]}.${signature}`],
    ["a signature that is cut", `${payload}.${signature.slice(0, -4)}`],
    ["an empty user id", signPayload({ userId: "", exp: inSeconds(60) })],
    ["no user id", signPayload({ exp: inSeconds(60) })],
    ["a user id that is a number", signPayload({ userId: 1, exp: inSeconds(60) })],
    ["no exp", signPayload({ userId: "u_1" })],
    ["an exp that is text", signPayload({ userId: "u_1", exp: String(inSeconds(60)) })],
    ["an exp with a fraction", signPayload({ userId: "u_1", exp: inSeconds(60) + 0.5 })],
    ["an exp over 30 days ahead", signPayload({ userId: "u_1", exp: inSeconds(31 * 86_400) })],
    ["a payload that is no object", signPayload("u_1")],
    ["an unsubscribe-like payload", signPayload({ email: "a@example.com", exp: inSeconds(60) })]
  ]
  it.effect.each(invalid)("is invalid: %s", ([, token]) =>
    refusedEverywhere(token, { tag: "UserTokenInvalid", says: /Invalid userToken: ./ })
  )

  it.effect("a token for another user than the claimed one is a mismatch, for a secret key too", () =>
    Effect.gen(function* () {
      const before = yield* storedState
      for (const as of ["asBrowser", "asServer"] as const) {
        for (const [route, places] of everyPlace(signToken("u_other"))) {
          const answer = yield* send(as, route, { userId: "u_1" }, places)
          expect(answer, `${as} ${route}`).toMatchObject({ status: 403, body: { _tag: "UserTokenMismatch" } })
          expect(answer.body.error).toMatch(/userToken is for another user/)
        }
      }
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("no refusal shows the token, whatever is in it", () =>
    Effect.gen(function* () {
      const secretive = signPayload({ userId: "u_1", exp: inSeconds(-60), note: "very private" })
      for (const token of [secretive, "sensitive-garbage.x"]) {
        const answer = yield* send("asBrowser", "POST /v1/events", { userId: "u_1" }, { body: token })
        expect(answer.status).toBe(403)
        expect(answer.body.error).not.toContain(token.slice(0, 12))
        expect(answer.body.error).not.toContain("private")
      }
    })
  )
})
