/** The gate through real HTTP: every refusal, their order, that it fails closed, and that a change is in force everywhere. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { describe, expect, layer } from "@effect/vitest"
import { adminKey, allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Layer } from "effect"
import { expectRefusal } from "../expectRefusal.ts"
import { type RawRequest, rawRequest } from "../rawRequest.ts"
import { type AnotherServer, anotherServer } from "./anotherServer.ts"

const unused = "A".repeat(43)
const self: RawRequest = { method: "GET", path: "/v1/admin/api-keys/self" }
const me: RawRequest = { method: "GET", path: "/v1/contacts/me?anonymousId=visitor-1" }
const fromApp = { headers: { origin: allowedOrigin } }

interface Minted {
  readonly id: string
  readonly key: string
}

const mint = (draft: object): Effect.Effect<Minted, never, TestHogsend> =>
  Effect.flatMap(TestHogsend, ({ asServer }) =>
    Effect.map(asServer("POST", "/v1/admin/api-keys", { name: "gate", ...draft }), ({ body, status }) => {
      expect(status, JSON.stringify(body)).toBe(201)
      return body
    })
  )

const mintBrowser = mint({ publishable: true, allowedOrigins: [allowedOrigin] })

/** Under `key`, with a body when there is one; `headers` win. */
const call = (key: string | undefined, request: RawRequest & { readonly body?: unknown }) =>
  Effect.flatMap(TestHogsend, ({ url }) =>
    rawRequest(url, {
      ...request,
      ...(request.body === undefined ? {} : { chunks: [JSON.stringify(request.body)] }),
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...request.headers }
    })
  )

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("KeyGate", (it) => {
  describe("the bearer", () => {
    it.effect.each([
      ["is absent", undefined, /^No API key/],
      ["has no scheme", (key: string) => key, /^No API key/],
      ["has another scheme", (key: string) => `Basic ${key}`, /^No API key/],
      ["has a longer scheme", (key: string) => `Bearers ${key}`, /^No API key/],
      ["is a scheme alone", () => "Bearer", /^No API key/],
      ["is a scheme and a space", () => "Bearer ", /^No API key/],
      ["has a tab for the space", (key: string) => `Bearer\t${key}`, /^No API key/],
      ["is cut short", (key: string) => `Bearer ${key.slice(0, -1)}`, /not an API key/],
      ["is too long", (key: string) => `Bearer ${key}A`, /not an API key/],
      ["is padded", (key: string) => `Bearer ${key}=`, /not an API key/],
      ["is quoted", (key: string) => `Bearer "${key}"`, /not an API key/],
      ["is two", (key: string) => `Bearer ${key}, Bearer ${key}`, /not an API key/],
      ["has its prefix in capitals", (key: string) => `Bearer ${key.replace("hsk_", "HSK_")}`, /not an API key/],
      ["has no prefix", (key: string) => `Bearer ${key.slice(4)}`, /not an API key/],
      ["has the other prefix", (key: string) => `Bearer ${key.replace("hsk_", "pk_")}`, /unknown or was revoked/],
      ["is in another case", (key: string) => `Bearer hsk_${swapCase(key.slice(4))}`, /unknown or was revoked/],
      ["is unknown", () => `Bearer hsk_${unused}`, /unknown or was revoked/]
    ] as const)("%s: 401", ([, authorization, says]) =>
      Effect.gen(function* () {
        const { secret } = yield* TestHogsend
        const headers = authorization === undefined ? {} : { authorization: authorization(secret) }
        expectRefusal(yield* call(undefined, { ...self, headers }), 401, "Unauthorized", says)
      })
    )

    it.effect.each(["Bearer ", "bearer ", "BEARER ", "Bearer   "])("%j before a good key is its scheme", (scheme) =>
      Effect.gen(function* () {
        const { secret } = yield* TestHogsend
        expect(yield* call(undefined, { ...self, headers: { authorization: scheme + secret } })).toMatchObject({
          status: 200,
          body: { actor: "api-key", name: "test-secret", scopes: ["full-admin"] }
        })
      })
    )
  })

  describe("one refusal after the other", () => {
    it.effect("revoked is before expired, expired before scope, scope before origin, all before the body", () =>
      Effect.gen(function* () {
        const { publishable, request, asServer } = yield* TestHogsend
        const { id, key } = yield* mintBrowser
        // Wrong in every way: a browser's key from a strange site, at a route for servers, with a body that is no JSON.
        const worst = request("POST", "/v1/admin/api-keys", {
          key,
          rawBody: "{",
          headers: { origin: "https://evil.example" }
        })
        const missing = yield* worst
        expectRefusal(missing, 403, "ScopeMissing", /publishable key cannot call this route.*full-admin/)
        expect(missing.body.required).toEqual(["full-admin"])

        const expiredAt = new Date(Date.now() - 1000)
        yield* setRow(id, { expiresAt: expiredAt })
        const expired = yield* until(worst, ({ status }) => status === 401)
        expectRefusal(expired, 401, "KeyExpired", new RegExp(`expired at ${expiredAt.toISOString()}`))
        expect(expired.body.expiredAt).toBe(expiredAt.toISOString())

        yield* asServer("DELETE", `/v1/admin/api-keys/${id}`)
        const revoked = yield* until(worst, ({ body }) => body._tag !== "KeyExpired")
        expectRefusal(revoked, 401, "Unauthorized", /unknown or was revoked/)

        const evil = { rawBody: "{", headers: { origin: "https://evil.example" } }
        const origin = yield* request("POST", "/v1/events", { key: publishable, ...evil })
        expectRefusal(origin, 403, "OriginDenied", /This origin is not allowed/)
        const body = yield* request("POST", "/v1/events", { key: publishable, rawBody: "{", ...fromApp })
        expectRefusal(body, 400, "BodyMalformed")
      })
    )
  })

  describe("origins", () => {
    it.effect("a publishable key without a list, with an empty one or with a star on it lets nobody in", () =>
      Effect.gen(function* () {
        const { id, key } = yield* mintBrowser
        expect(yield* call(key, { ...me, ...fromApp })).toMatchObject({ status: 200 })
        for (const [allowedOrigins, says] of [
          [null, /no allowed origins/],
          [[], /no allowed origins/],
          [["*"], /not allowed/],
          [["null"], /not allowed/],
          [["https://*"], /not allowed/]
        ] as const) {
          yield* setRow(id, { allowedOrigins })
          yield* until(call(key, { ...me, ...fromApp }), ({ body }) => says.test(body?.error ?? ""))
          for (const origin of [allowedOrigin, "*", "null", "https://evil.example"])
            expectRefusal(yield* call(key, { ...me, headers: { origin } }), 403, "OriginDenied", says, origin)
          const sameOrigin = { host: "app.example.com", "sec-fetch-site": "same-origin" }
          expectRefusal(yield* call(key, { ...me, headers: sameOrigin }), 403, "OriginDenied")
        }
      })
    )

    it.effect("without an Origin only a read of the key's own site is let in, by what the browser says of itself", () =>
      Effect.gen(function* () {
        const { publishable } = yield* TestHogsend
        const read = (headers: Record<string, string>, method = "GET") =>
          call(publishable, { method, path: me.path, headers })
        const own = { host: "app.example.com", "sec-fetch-site": "same-origin" }
        expect(yield* read(own)).toMatchObject({ status: 200, body: { identified: false } })
        expect(yield* read(own, "HEAD")).toMatchObject({ status: 200 })

        expectRefusal(yield* read({ ...own, host: "evil.example" }), 403, "OriginDenied", /own origin is not allowed/)
        expectRefusal(yield* read({ ...own, host: "app.example.com:8443" }), 403, "OriginDenied")
        // An Origin that is there decides.
        expectRefusal(yield* read({ ...own, origin: "https://evil.example" }), 403, "OriginDenied", /not allowed/)
        for (const site of ["same-site", "cross-site", "none", "", "Same-Origin", "same-origin, cross-site"]) {
          const answer = yield* read({ ...own, "sec-fetch-site": site })
          expectRefusal(answer, 403, "OriginDenied", /no Origin header/, site)
        }
        expectRefusal(yield* read({ host: own.host }), 403, "OriginDenied", /no Origin header/)
        const write = {
          method: "POST",
          path: "/v1/events",
          headers: own,
          body: { name: "e", anonymousId: "visitor-1" }
        }
        expectRefusal(yield* call(publishable, write), 403, "OriginDenied", /no Origin header/)
      })
    )
  })

  describe("classes of keys", () => {
    it.effect.each(["ingest-public,ingest", "ingest-public,full-admin", "full-admin", "ingest", ""])(
      "a pk_ row with the scopes {%s} opens nothing",
      (scopes) =>
        Effect.gen(function* () {
          const { id, key } = yield* mintBrowser
          yield* setRow(id, { scopes: scopes.split(",").filter((scope) => scope !== "") })
          yield* until(call(key, { ...me, ...fromApp }), ({ status }) => status === 403)
          for (const route of [me, self, { method: "GET", path: "/v1/contacts/find?userId=u_1" }])
            expectRefusal(yield* call(key, { ...route, ...fromApp }), 403, "ScopeMissing", undefined, route.path)
          const event = { name: "e", anonymousId: "visitor-1" }
          const write = yield* call(key, { method: "POST", path: "/v1/events", body: event, ...fromApp })
          expectRefusal(write, 403, "ScopeMissing")
        })
    )

    it.effect("a secret row without scopes opens nothing", () =>
      Effect.gen(function* () {
        const { id, key } = yield* mint({ scopes: ["read"] })
        yield* setRow(id, { scopes: [] })
        yield* until(call(key, self), ({ status }) => status === 403)
        for (const route of [me, self]) expectRefusal(yield* call(key, route), 403, "ScopeMissing")
      })
    )

    it.effect("a proxy key needs no origin, and may do what a browser may, no more", () =>
      Effect.gen(function* () {
        const { proxy } = yield* TestHogsend
        for (const headers of [{}, { origin: "https://any.example" }, { origin: "null" }])
          expect(yield* call(proxy, { ...me, headers })).toMatchObject({ status: 200, body: { identified: false } })
        const event = (body: object) => call(proxy, { method: "POST", path: "/v1/events", body })
        expect(yield* event({ name: "e", anonymousId: "visitor-2" })).toMatchObject({ status: 202 })
        expectRefusal(yield* event({ name: "e", userId: "u_1" }), 403, "UserTokenRequired")
        expectRefusal(yield* event({ name: "e", email: "a@example.com" }), 403, "UserTokenMismatch")
        const admin = yield* call(proxy, self)
        expectRefusal(admin, 403, "ScopeMissing", /lacks the scope read/)
        expect(admin.body.required).toEqual(["read"])
      })
    )

    it.effect("the admin key of the environment is full-admin, and a near miss is nobody", () =>
      Effect.gen(function* () {
        expect(yield* call(adminKey, self)).toMatchObject({
          status: 200,
          body: { id: "environment", name: "ADMIN_API_KEY", scopes: ["full-admin"] }
        })
        const event = { method: "POST", path: "/v1/events", body: { name: "e", userId: "u_admin" } }
        expect(yield* call(adminKey, event)).toMatchObject({ status: 202 })
        for (const near of [`${adminKey}x`, adminKey.slice(1), adminKey.slice(0, -1), adminKey.toUpperCase()])
          expectRefusal(yield* call(near, self), 401, "Unauthorized", undefined, near)
        const server = yield* anotherServer("no_admin_key")
        for (const key of [adminKey, "undefined", "null"])
          expectRefusal(yield* server.request(key, self), 401, "Unauthorized", undefined, key)
      })
    )

    it.effect("each scope opens what it says", () =>
      Effect.gen(function* () {
        const statuses = (key: string) =>
          Effect.forEach(
            [
              { method: "GET", path: "/v1/admin/contacts" },
              { method: "GET", path: "/v1/admin/api-keys" },
              { method: "POST", path: "/v1/admin/api-keys", body: {} },
              { method: "POST", path: "/v1/events", body: { name: "e", userId: "u_scopes" } },
              { method: "DELETE", path: `/v1/admin/contacts/${crypto.randomUUID()}` }
            ],
            (route) => Effect.map(call(key, route), ({ status }) => status)
          )
        for (const [scopes, expected] of [
          [["read"], [200, 403, 403, 403, 403]],
          [["journey-admin"], [200, 403, 403, 403, 403]],
          [["full-admin"], [200, 200, 400, 202, 404]],
          [["ingest"], [403, 403, 403, 202, 403]],
          [["erase"], [403, 403, 403, 403, 404]],
          [
            ["ingest", "read"],
            [200, 403, 403, 202, 403]
          ]
        ] as const) {
          const { key } = yield* mint({ scopes })
          expect(yield* statuses(key), scopes.join()).toEqual(expected)
        }
      })
    )
  })
})

/** A second server. */
class Another extends Context.Service<Another, AnotherServer>()("test/Another") {
  static readonly layer = (...server: Parameters<typeof anotherServer>) =>
    Layer.effect(Another, anotherServer(...server))
}

/** The gate's own intervals, and then short ones: what has to be in force is the same, and comes sooner. */
const another = Layer.provideMerge(Another.layer("another_hogsend"), TestHogsend.layer())
const quickAnother = Layer.provideMerge(Another.layer("quick_hogsend", { epochInterval: 50 }), TestHogsend.layer())
const options = { excludeTestServices: true, timeout: "30 seconds" } as const

const refuses = (tag: string) => (answer: Answer) => answer.status >= 400 && answer.body._tag === tag
const admits = ({ status }: Answer) => status < 300

/**
 * `probe` answers as before the change until at most a second after it, and as after it from then on. What is judged is
 * when a request began that was still judged by the old row: so a slow machine cannot fail it.
 */
const inForceWithinASecond = Effect.fnUntraced(function* (
  probe: Effect.Effect<Answer>,
  before: (answer: Answer) => boolean,
  change: Effect.Effect<unknown, never, TestHogsend | PgClient.PgClient>,
  after: (answer: Answer) => boolean
) {
  // So that the answer comes from the cache, which is what the change has to reach.
  yield* (yield* Another).epochRead
  const first = yield* probe
  expect(before(first), JSON.stringify(first.body)).toBe(true)
  yield* change
  const changedAt = Date.now()
  for (;;) {
    const askedAt = Date.now()
    const answer = yield* probe
    if (after(answer)) break
    // Right after its connections were cut it may ask for another try; it never falls back on what it knew.
    if (answer.status === 503) expectRefusal(answer, 503, "DatabaseUnavailable")
    else expect(before(answer), JSON.stringify(answer.body)).toBe(true)
    expect(askedAt - changedAt, "milliseconds after the change").toBeLessThanOrEqual(1000)
  }
  for (let again = 0; again < 5; again++) expect(after(yield* probe)).toBe(true)
})

const edit = (id: string, patch: object) =>
  Effect.flatMap(TestHogsend, ({ asServer }) =>
    Effect.map(asServer("PATCH", `/v1/admin/api-keys/${id}`, patch), ({ status }) => expect(status).toBe(200))
  )
const revoke = (id: string) =>
  Effect.flatMap(TestHogsend, ({ asServer }) =>
    Effect.map(asServer("DELETE", `/v1/admin/api-keys/${id}`), ({ status }) => expect(status).toBe(200))
  )

layer(another, options)("KeyGate of another process", (it) => {
  it.effect("a revocation", () =>
    Effect.gen(function* () {
      const another = yield* Another
      const { id, key } = yield* mint({ scopes: ["read"] })
      yield* inForceWithinASecond(another.request(key, self), admits, revoke(id), refuses("Unauthorized"))
    })
  )

  it.effect("a revocation whose news cannot arrive, since every connection was cut", () =>
    Effect.gen(function* () {
      const another = yield* Another
      const { id, key } = yield* mint({ scopes: ["read"] })
      const cut = Effect.map(another.cutOff, (connections) => expect(connections).toBeGreaterThan(0))
      const change = Effect.andThen(revoke(id), cut)
      yield* inForceWithinASecond(another.request(key, self), admits, change, refuses("Unauthorized"))
    })
  )
})

layer(quickAnother, options)("KeyGate of another process, for every change", (it) => {
  it.effect("scopes that were taken away, and given", () =>
    Effect.gen(function* () {
      const another = yield* Another
      const { id, key } = yield* mint({ scopes: ["read"] })
      const probe = another.request(key, self)
      yield* inForceWithinASecond(probe, admits, edit(id, { scopes: ["ingest"] }), refuses("ScopeMissing"))
      yield* inForceWithinASecond(probe, refuses("ScopeMissing"), edit(id, { scopes: ["journey-admin"] }), admits)
    })
  )

  it.effect("origins that were taken away, and given", () =>
    Effect.gen(function* () {
      const another = yield* Another
      const { id, key } = yield* mintBrowser
      const probe = another.request(key, { ...me, ...fromApp })
      const elsewhere = edit(id, { allowedOrigins: ["https://other.example.com"] })
      yield* inForceWithinASecond(probe, admits, elsewhere, refuses("OriginDenied"))
      const below = edit(id, { allowedOrigins: ["https://*.example.com"] })
      yield* inForceWithinASecond(probe, refuses("OriginDenied"), below, admits)
    })
  )

  it.effect("a key that was refused as unknown and is there now", () =>
    Effect.gen(function* () {
      const another = yield* Another
      const sql = yield* PgClient.PgClient
      const { id, key } = yield* mint({ scopes: ["read"] })
      yield* sql`create table public.kept as select * from hogsend.api_keys where id = ${id}`
      yield* sql`delete from hogsend.api_keys where id = ${id}`
      const restore = Effect.orDie(sql`insert into hogsend.api_keys select * from public.kept`)
      yield* inForceWithinASecond(another.request(key, self), refuses("Unauthorized"), restore, admits)
    })
  )

  it.effect("a key that was rotated with no grace", () =>
    Effect.gen(function* () {
      const another = yield* Another
      const { asServer } = yield* TestHogsend
      const { id, key } = yield* mint({ scopes: ["read"] })
      const rotate = asServer("POST", `/v1/admin/api-keys/${id}/rotate`, { graceSeconds: 0 })
      yield* inForceWithinASecond(another.request(key, self), admits, rotate, refuses("Unauthorized"))
    })
  )
})

const setRow = (
  id: string,
  row: {
    readonly scopes?: ReadonlyArray<string>
    readonly allowedOrigins?: ReadonlyArray<string> | null
    readonly expiresAt?: Date
  }
) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    if (row.scopes !== undefined)
      yield* sql`update hogsend.api_keys set scopes = ${row.scopes}::text[] where id = ${id}`
    if (row.allowedOrigins !== undefined)
      yield* sql`update hogsend.api_keys set allowed_origins = ${row.allowedOrigins}::text[] where id = ${id}`
    if (row.expiresAt !== undefined)
      yield* sql`update hogsend.api_keys set expires_at = ${row.expiresAt}::timestamptz where id = ${id}`
  })

/** Asks again until the answer is as wanted; the test's own time-out ends it. */
const until = <R>(ask: Effect.Effect<Answer, never, R>, wanted: (answer: Answer) => boolean) =>
  Effect.repeat(ask, { until: wanted })

const swapCase = (text: string) =>
  text.replaceAll(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
  )
