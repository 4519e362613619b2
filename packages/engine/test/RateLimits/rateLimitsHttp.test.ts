/** Rate limits as callers meet them, through real HTTP. Time passes when a test says so. */

// A label tells which of many cases failed.
import { describe, expect, it, layer } from "@effect/vitest"
import { Api, Authorization, RateLimited } from "@hogsend/core"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Clock, Effect, Layer, Result } from "effect"
import { FetchHttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware, OpenApi } from "effect/http-api"
import { parseNetwork, type RateLimitsOptions } from "../../src/RateLimits.ts"
import { expectRefusal } from "../expectRefusal.ts"
import { signToken } from "../signToken.ts"

const hour = 3_600_000
/** So few that a test has sent them, so slow that none comes back by itself. */
const rates: RateLimitsOptions = {
  publishable: { key: { limit: 8, per: hour }, visitor: { limit: 3, per: hour } },
  keyless: { limit: 2, per: hour }
}
const trusting: RateLimitsOptions = { ...rates, trustedProxies: [Result.getOrThrow(parseNetwork("127.0.0.1"))] }

/** The clock of this machine, ahead by what has passed. */
const makeTime = () => {
  let ahead = 0n
  const real = Clock.Clock.defaultValue()
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe(),
    currentTimeMillis: real.currentTimeMillis,
    currentTimeNanosUnsafe: () => real.currentTimeNanosUnsafe(),
    currentTimeNanos: real.currentTimeNanos,
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe() + ahead,
    monotonicTimeNanos: Effect.sync(() => real.monotonicTimeNanosUnsafe() + ahead),
    sleep: (duration) => real.sleep(duration)
  }
  const pass = (seconds: number) => Effect.sync(() => void (ahead += BigInt(seconds) * 1_000_000_000n))
  return { clock, pass }
}

const serving = (rateLimits: RateLimitsOptions, clock: Clock.Clock) =>
  TestHogsend.layer({ rateLimits }).pipe(Layer.provide(Layer.succeed(Clock.Clock, clock)))

const options = { excludeTestServices: true, timeout: "30 seconds" } as const

/** Forgotten before each test: everything is an hour ago. */
const fresh = makeTime()
const start = fresh.pass(2 * 3600)

const event = (anonymousId: string) => ({ name: "viewed", anonymousId })

/** Of one visitor of ours behind a proxy. */
const from = (address: string) => ({ "x-forwarded-for": address })

const statusesOf = (answers: ReadonlyArray<Answer>) => answers.map(({ status }) => status)

const times = <A, E, R>(n: number, effect: (index: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: n }, (_, index) => index),
    effect
  )

const expectLimited = (answer: Answer, says: RegExp, label = "") => {
  expectRefusal(answer, 429, "RateLimited", says, label)
  const { body, headers } = answer
  expect(body.retryAfter, label).toBeGreaterThan(0)
  expect(
    ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map((name) => headers.get(name)),
    label
  ).toEqual([String(body.retryAfter), String(body.limit), "0", String(body.reset)])
  expect(JSON.stringify(body), label).not.toContain("userToken")
}

layer(serving(rates, fresh.clock), options)("A browser", (it) => {
  it.effect("may send as much as its address may, and again after exactly Retry-After", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser } = yield* TestHogsend
      const send = (visitor: string) => asBrowser("POST", "/v1/events", event(visitor))
      expect(statusesOf(yield* times(3, (n) => send(`pace_${n}`)))).toEqual([202, 202, 202])
      const refused = yield* send("pace_4")
      expectLimited(
        refused,
        /^No more than 3 events in 3600 seconds from this address.*HOGSEND_TRUSTED_PROXIES.*trustedProxies/
      )
      expect(refused.headers.get("access-control-allow-origin")).toBe(allowedOrigin)
      expect(refused.headers.get("access-control-expose-headers")).toMatch(/Retry-After.*X-RateLimit-Reset/)
      // One comes back in a third of an hour, less what the test took.
      expect(refused.body.retryAfter).toBeGreaterThan(1100)
      expect(refused.body.retryAfter).toBeLessThanOrEqual(1200)
      yield* fresh.pass(refused.body.retryAfter - 60)
      expectLimited(yield* send("pace_4"), /from this address/)
      yield* fresh.pass(60)
      expect(statusesOf([yield* send("pace_4"), yield* send("pace_5")])).toEqual([202, 429])
    })
  )

  it.effect("is counted on every route that it may call, whatever is answered", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser } = yield* TestHogsend
      const answers = [
        yield* asBrowser("PUT", "/v1/contacts", { anonymousId: "routes_1" }),
        yield* asBrowser("GET", "/v1/contacts/me?anonymousId=routes_2"),
        yield* asBrowser("POST", "/v1/events", { name: "viewed", anonymousId: "null" })
      ]
      expect(statusesOf(answers)).toEqual([200, 200, 400])
      expectLimited(yield* asBrowser("PUT", "/v1/contacts", { anonymousId: "routes_1" }), /from this address/)
      expectLimited(yield* asBrowser("GET", "/v1/contacts/me?anonymousId=routes_2"), /from this address/)
      expectLimited(yield* asBrowser("POST", "/v1/events", event("routes_3")), /from this address/)
    })
  )

  it.effect("is nobody else by saying so: whom an unknown peer forwards is not believed", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser } = yield* TestHogsend
      const send = (n: number) =>
        asBrowser("POST", "/v1/events", event(`spoof_${n}`), {
          "x-forwarded-for": `203.0.113.${n}, 127.0.0.1`,
          forwarded: `for=203.0.113.${n}`,
          "x-real-ip": `203.0.113.${n}`
        })
      expect(statusesOf(yield* times(5, send))).toEqual([202, 202, 202, 429, 429])
    })
  )

  it.effect("is charged for each event of a batch, and told 429 when nothing of it was taken", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser } = yield* TestHogsend
      const batch = { events: Array.from({ length: 5 }, (_, n) => event(`batch_${n}`)) }
      const { body, status } = yield* asBrowser("POST", "/v1/events/batch", batch)
      expect(status).toBe(202)
      expect(
        body.results.map((result: { status: string; error?: { _tag: string } }) => result.error?._tag ?? result.status)
      ).toEqual(["stored", "stored", "stored", "RateLimited", "RateLimited"])
      expectLimited(yield* asBrowser("POST", "/v1/events/batch", batch), /from this address/)
    })
  )

  it.effect("hides nothing that is wrong with another event of its batch", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser } = yield* TestHogsend
      yield* times(3, (n) => asBrowser("POST", "/v1/events", event(`before_${n}`)))
      const { body, status } = yield* asBrowser("POST", "/v1/events/batch", {
        events: [{ anonymousId: "without_a_name" }, event("limited")]
      })
      expect(status).toBe(202)
      expect(body.results.map(({ error }: { error: { _tag: string } }) => error._tag)).toEqual([
        "RequestInvalid",
        "RateLimited"
      ])
    })
  )

  it.effect("stores nothing when it is refused", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser, asServer } = yield* TestHogsend
      yield* times(3, (n) => asBrowser("POST", "/v1/events", event(`stored_${n}`)))
      expectLimited(
        yield* asBrowser("PUT", "/v1/contacts", { anonymousId: "refused_1", properties: { a: 1 } }),
        /from this address/
      )
      const { body } = yield* asServer("GET", "/v1/contacts/find?anonymousId=refused_1")
      expect(body).toEqual({ contacts: [] })
    })
  )

  it.effect("is told by a class to clients that are derived from the Api", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser, publishable, url } = yield* TestHogsend
      yield* times(3, (n) => asBrowser("POST", "/v1/events", event(`typed_${n}`)))
      const browser = HttpApiMiddleware.layerClient(Authorization, ({ next, request }) =>
        next(HttpClientRequest.setHeaders(request, { authorization: `Bearer ${publishable}`, origin: allowedOrigin }))
      )
      const client = yield* Effect.provide(HttpApiClient.make(Api, { baseUrl: url }), [browser, FetchHttpClient.layer])
      const failure = yield* Effect.flip(client.events.ingest({ headers: {}, query: {}, payload: event("typed_4") }))
      expect(failure).toBeInstanceOf(RateLimited)
      expect(failure).toMatchObject({ limit: 3, reset: 3600 })
    })
  )
})

layer(serving(rates, fresh.clock), options)("A server", (it) => {
  it.effect("is not limited: not on the data plane, not on the admin plane", () =>
    Effect.gen(function* () {
      yield* start
      const { asServer } = yield* TestHogsend
      expect(new Set(statusesOf(yield* times(20, () => asServer("POST", "/v1/events", event("server_1")))))).toEqual(
        new Set([202])
      )
      expect(new Set(statusesOf(yield* times(20, () => asServer("GET", "/v1/admin/events"))))).toEqual(new Set([200]))
    })
  )

  it.effect("that passes browsers' requests on, and is no proxy of ours, shares its key's rate and no address's", () =>
    Effect.gen(function* () {
      yield* start
      const { proxy, request } = yield* TestHogsend
      const send = (n: number) =>
        request("POST", "/v1/events", { key: proxy, body: event(`proxied_${n}`), headers: from("203.0.113.1") })
      expect(statusesOf(yield* times(8, send))).toEqual(Array.from({ length: 8 }, () => 202))
      expectLimited(yield* send(8), /^No more than 8 events in 3600 seconds under this key/)
    })
  )
})

layer(serving(rates, fresh.clock), options)("Who has no good key", (it) => {
  const unknown = `hsk_${"A".repeat(43)}`

  it.effect("is refused as before, and then for coming so often; a good key from there is not", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser, asServer, request } = yield* TestHogsend
      const attempts = [{}, { key: unknown }, { key: "nonsense" }, { key: unknown }] as const
      const answers = yield* Effect.forEach(attempts, (options) => request("GET", "/v1/admin/events", options))
      expect(statusesOf(answers)).toEqual([401, 401, 429, 429])
      expectLimited(answers[2]!, /^No more than 2 failed authentications in 3600 seconds from this address/)
      expect((yield* asServer("GET", "/v1/admin/events")).status).toBe(200)
      expect((yield* asBrowser("POST", "/v1/events", event("good_key"))).status).toBe(202)
    })
  )

  it.effect("at /rpc as at any route", () =>
    Effect.gen(function* () {
      yield* start
      const { request, secret } = yield* TestHogsend
      const rawBody = JSON.stringify({ _tag: "Request", id: "1", tag: "Identity.resolve", payload: { userId: "u" } })
      const headers = { "content-type": "application/x-ndjson" }
      const answers = yield* times(3, () => request("POST", "/rpc", { key: unknown, rawBody, headers }))
      expect(statusesOf(answers)).toEqual([401, 401, 429])
      expectLimited(answers[2]!, /failed authentications/)
      expect((yield* request("POST", "/rpc", { key: secret, rawBody, headers })).status).toBe(200)
    })
  )

  it.effect("and whose token is bad has failed to authenticate", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser, request } = yield* TestHogsend
      const send = (userToken: string) => asBrowser("POST", "/v1/events", { name: "viewed", userId: "u_1", userToken })
      expect(statusesOf([yield* send("bad"), yield* send(signToken("u_2")), yield* send("bad")])).toEqual([
        403, 403, 429
      ])
      expect((yield* request("GET", "/v1/admin/events", { key: unknown })).status).toBe(429)
      expect((yield* send(signToken("u_1"))).status).toBe(202)
    })
  )

  it.effect("has not failed with a key that lacks a scope, from another origin, or for nobody", () =>
    Effect.gen(function* () {
      yield* start
      const { asBrowser, request } = yield* TestHogsend
      yield* times(3, () => asBrowser("GET", "/v1/admin/events"))
      yield* times(3, () => asBrowser("POST", "/v1/events", { name: "viewed" }))
      yield* times(3, () => asBrowser("POST", "/v1/events", event("origin"), { origin: "https://evil.example" }))
      expect((yield* request("GET", "/v1/admin/events", { key: unknown })).status).toBe(401)
    })
  )

  it.effect("may ask so much of the routes that need none, and probes always", () =>
    Effect.gen(function* () {
      yield* start
      const { request } = yield* TestHogsend
      expect(statusesOf([yield* request("GET", "/v1/health"), yield* request("HEAD", "/docs")])).toEqual([200, 200])
      for (const path of ["/v1/health", "/docs", "/openapi.json"]) {
        expectLimited(yield* request("GET", path), /^No more than 2 requests without a key/, path)
      }
      for (const path of ["/v1/health/live", "/v1/health/ready"]) {
        expect(statusesOf(yield* times(5, () => request("GET", path))), path).toEqual([200, 200, 200, 200, 200])
      }
    })
  )
})

layer(serving(trusting, fresh.clock), options)("Behind a proxy that is trusted", (it) => {
  const send = (address: string, visitor: string) =>
    Effect.flatMap(TestHogsend, ({ asBrowser }) => asBrowser("POST", "/v1/events", event(visitor), from(address)))

  it.effect("each visitor has a bucket, and each key", () =>
    Effect.gen(function* () {
      yield* start
      const { asServer, request } = yield* TestHogsend
      yield* times(3, (n) => send("203.0.113.1", `one_${n}`))
      expectLimited(yield* send("203.0.113.1", "one_3"), /from this address/)
      // What was sent along by the visitor, left of what the proxy appended.
      expectLimited(yield* send("198.51.100.1, 203.0.113.1", "one_3"), /from this address/)
      expectLimited(yield* send("::ffff:203.0.113.1", "one_3"), /from this address/)
      expect((yield* send("203.0.113.2", "two_1")).status).toBe(202)
      expect(statusesOf(yield* times(3, (n) => send(`2001:db8:1:2::${n}`, `six_${n}`)))).toEqual([202, 202, 202])
      expectLimited(yield* send("2001:db8:1:2:ffff::1", "six_4"), /from this address/)
      expect((yield* send("2001:db8:1:3::1", "six_5")).status).toBe(202)
      // Eight so far; those that were refused took nothing of the key's.
      expectLimited(yield* send("203.0.113.3", "three_1"), /under this key/)
      const minted = yield* asServer("POST", "/v1/admin/api-keys", {
        name: "another",
        publishable: true,
        allowedOrigins: [allowedOrigin]
      })
      const other = yield* request("POST", "/v1/events", {
        key: minted.body.key,
        body: event("three_1"),
        headers: { origin: allowedOrigin, ...from("203.0.113.3") }
      })
      expect(other.status).toBe(202)
    })
  )

  it.effect("each person has a bucket, from however many addresses", () =>
    Effect.gen(function* () {
      yield* start
      yield* times(3, (n) => send(`203.0.113.${n}`, "somebody"))
      const refused = yield* send("203.0.113.9", "somebody")
      expectLimited(refused, /for this person/)
      expect((yield* send("203.0.113.9", "somebody_else")).status).toBe(202)
    })
  )

  it.effect("visitors of a proxy key have theirs too", () =>
    Effect.gen(function* () {
      yield* start
      const { proxy, request } = yield* TestHogsend
      const pass = (address: string, n: number) =>
        request("POST", "/v1/events", { key: proxy, body: event(`passed_${n}`), headers: from(address) })
      expect(statusesOf(yield* times(4, (n) => pass("203.0.113.1", n)))).toEqual([202, 202, 202, 429])
      expect((yield* pass("203.0.113.2", 9)).status).toBe(202)
    })
  )

  it.effect("failed authentications are the visitor's too", () =>
    Effect.gen(function* () {
      yield* start
      const { request } = yield* TestHogsend
      const fail = (address: string) => request("GET", "/v1/contacts/me", { headers: from(address) })
      expect(statusesOf(yield* times(3, () => fail("203.0.113.1")))).toEqual([401, 401, 429])
      expect((yield* fail("203.0.113.2")).status).toBe(401)
    })
  )

  it.effect("no header breaks anything", () =>
    Effect.gen(function* () {
      yield* start
      const { request } = yield* TestHogsend
      for (const header of [
        "",
        ",",
        ",,,,",
        "unknown",
        "1.2.3",
        "[::1",
        "999.1.1.1",
        "a".repeat(5000),
        "1,".repeat(4000)
      ]) {
        const { status } = yield* request("GET", "/v1/contacts/me", { headers: from(header) })
        expect([401, 429], header.slice(0, 20)).toContain(status)
      }
    })
  )
})

describe("The document", () => {
  it("says of every route but the probes that it may be limited", () => {
    const unlimited = Object.entries(OpenApi.fromApi(Api).paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, OpenApi.OpenAPISpecOperation>)
        .filter(([, { responses }]) => responses[429] === undefined)
        .map(([method]) => `${method} ${path}`)
    )
    expect(unlimited).toEqual(["get /v1/health/live", "get /v1/health/ready"])
  })
})
