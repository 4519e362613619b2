/**
 * The two ways of a hot route through real HTTP. A query, though an empty one, takes a request to the declared route, so
 * the same request sent with and without the question mark must be answered the same, to the last header.
 */

// A label tells which of many cases failed.
import { describe, expect, layer } from "@effect/vitest"
import { maxBatchBytes } from "@hogsend/core"
import { generateUserToken, Hogsend } from "@hogsend/engine"
import { allowedOrigin, TestHogsend, tokenSecret } from "@hogsend/testing"
import { Effect } from "effect"
import { Headers } from "effect/http"
import { HotRoutes } from "../../src/HttpEdge.ts"
import { Warnings } from "../../src/Warnings.ts"
import { type AtOnce, sendAtOnce } from "../sendAtOnce.ts"

type Caller = "secret" | "publishable" | "proxy" | "nobody" | "unknown"

interface Case {
  readonly as?: Caller
  readonly method?: string
  readonly headers?: AtOnce["headers"]
  readonly body?: string | ReadonlyArray<string>
}

const json = { "content-type": "application/json" }
const event = (fields: object) => JSON.stringify({ name: "e", ...fields })
const userToken = generateUserToken({ secret: tokenSecret, userId: "u_1" })
const otherToken = generateUserToken({ secret: tokenSecret, userId: "u_2" })
const half = `"${" ".repeat(128 * 1024)}`

/** What is answered with, and how a request comes to it. */
const cases: Readonly<Record<string, readonly [status: number, Case]>> = {
  "an event": [202, { body: event({ userId: "u_1" }) }],
  "an event with everything": [
    202,
    {
      headers: {
        ...json,
        "x-request-id": "both",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      },
      body: event({
        userId: "u_1",
        eventProperties: { a: [1, { b: null }] },
        contactProperties: { plan: "pro" },
        value: 1.5,
        currency: "eur",
        groups: { company: "acme" },
        timestamp: "2026-11-22T10:00:00+02:00",
        unknown: 1
      })
    }
  ],
  warnings: [202, { body: event({ userId: "u_1", email: "none", properties: {}, lists: { news: true } }) }],
  "a duplicate": [202, { headers: { ...json, "idempotency-key": "both" }, body: event({ userId: "u_1" }) }],
  "another content": [
    409,
    { headers: { ...json, "idempotency-key": "both" }, body: event({ userId: "u_1", value: 1 }) }
  ],
  "no content type": [202, { headers: {}, body: event({ userId: "u_1" }) }],
  chunks: [202, { headers: json, body: ['{"name":"e",', '"userId":"u_1"}'] }],
  "a browser's visitor": [
    202,
    { as: "publishable", headers: { ...json, origin: allowedOrigin }, body: event({ anonymousId: "v" }) }
  ],
  "a browser's user": [
    202,
    { as: "publishable", headers: { ...json, origin: allowedOrigin }, body: event({ userId: "u_1", userToken }) }
  ],
  "a token in the header": [
    202,
    { as: "proxy", headers: { ...json, "x-hogsend-user-token": userToken }, body: event({ userId: "u_1" }) }
  ],
  "no bearer": [401, { as: "nobody", body: event({ userId: "u_1" }) }],
  "an unknown key": [401, { as: "unknown", body: event({ userId: "u_1" }) }],
  "another scheme": [401, { as: "nobody", headers: { ...json, authorization: "Basic abc" }, body: event({}) }],
  "a publishable key without an origin": [403, { as: "publishable", body: event({ anonymousId: "v" }) }],
  "a publishable key of another origin": [
    403,
    { as: "publishable", headers: { ...json, origin: "https://evil.example" }, body: event({ anonymousId: "v" }) }
  ],
  "a user without a token": [403, { as: "proxy", body: event({ userId: "u_1" }) }],
  "another user's token": [403, { as: "proxy", body: event({ userId: "u_1", userToken: otherToken }) }],
  "a broken token": [403, { as: "proxy", body: event({ userId: "u_1", userToken: `${userToken}x` }) }],
  "a browser's email": [403, { as: "proxy", body: event({ email: "a@example.com" }) }],
  "a reserved name": [400, { as: "proxy", body: event({ name: "email.sent", anonymousId: "v" }) }],
  "nobody it is about": [400, { body: event({}) }],
  "keys that are all refused": [400, { body: event({ userId: "null" }) }],
  "no body": [400, { body: "" }],
  "an empty body": [400, { body: "" }],
  "not JSON": [400, { body: "{" }],
  "JSON of another kind": [400, { body: "[]" }],
  "a missing name": [400, { body: '{"userId":"u_1"}' }],
  "many faults": [400, { body: '{"userId":1,"currency":"euros","value":"9"}' }],
  "a NUL": [400, { body: '{"name":"a\\u0000b","userId":"u_1"}' }],
  "a lone surrogate": [400, { body: '{"name":"a\\ud800b","userId":"u_1"}' }],
  "a name of the prototype": [400, { body: '{"name":"e","userId":"u_1","eventProperties":{"__proto__":1}}' }],
  "an idempotency key that is too long": [
    400,
    { headers: { ...json, "idempotency-key": "k".repeat(256) }, body: event({ userId: "u_1" }) }
  ],
  "an origin and a fault": [400, { headers: { ...json, origin: "https://any.example" }, body: "{" }],
  "properties that are too large": [
    413,
    { body: event({ userId: "u_1", eventProperties: { a: "x".repeat(33_000) } }) }
  ],
  "a body that says it is too large": [413, { headers: { ...json, "content-length": "262145" }, body: "{}" }],
  "a body that is too large": [413, { body: [half, half] }],
  "another content type": [415, { headers: { "content-type": "text/plain" }, body: event({ userId: "u_1" }) }],
  "an encoding": [415, { headers: { ...json, "content-encoding": "gzip" }, body: event({ userId: "u_1" }) }],
  "another method": [405, { method: "PUT", body: event({ userId: "u_1" }) }],
  HEAD: [405, { method: "HEAD", body: "" }],
  OPTIONS: [405, { method: "OPTIONS", body: "" }],
  "a preflight": [
    204,
    { method: "OPTIONS", headers: { origin: allowedOrigin, "access-control-request-method": "POST" }, body: "" }
  ]
}

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("POST /v1/events, both ways", (it) => {
  const send = Effect.fnUntraced(function* (
    path: string,
    { as = "secret", body = "", headers = json, method = "POST" }: Case
  ) {
    const { proxy, publishable, secret, url } = yield* TestHogsend
    const bearer = { secret, publishable, proxy, unknown: `hsk_${"A".repeat(43)}`, nobody: undefined }[as]
    const sent = bearer === undefined ? headers : { authorization: `Bearer ${bearer}`, ...headers }
    const answer = yield* sendAtOnce(url, { method, path, headers: sent, body })
    const [, id] = /^x-request-id: (.*)$/im.exec(answer.head) ?? []
    const head = answer.head.split("\r\n").filter((line) => !/^(date|x-request-id):/i.test(line))
    // The order of the headers is nobody's promise.
    return { id, head: head.toSorted(), body: answer.body }
  })

  describe.each(Object.entries(cases))("%s", (_, [status, request]) => {
    it.effect(`is a ${status} on both`, () =>
      Effect.gen(function* () {
        // The first makes what the others find, the key in the gate's memory among it.
        yield* send("/v1/events", request)
        const { id: hotId, ...hot } = yield* send("/v1/events", request)
        const { id: declaredId, ...declared } = yield* send("/v1/events?", request)
        expect(hot).toEqual(declared)
        expect(hot.head).toContainEqual(expect.stringMatching(new RegExp(`^HTTP/1.1 ${status} `)))
        const sent = request.headers?.["x-request-id"]
        for (const id of [hotId, declaredId]) expect(id).toMatch(sent === undefined ? /^[0-9a-f-]{36}$/ : /^both$/)
      })
    )
  })

  describe.each(Object.entries(cases))("of a batch: %s", (_, [, request]) => {
    it.effect("is the same on both", () =>
      Effect.gen(function* () {
        const { body = "", headers = json } = request
        const many = {
          ...request,
          // A batch may be larger.
          headers: "content-length" in headers ? { ...headers, "content-length": String(maxBatchBytes + 1) } : headers,
          body: typeof body === "string" && body.startsWith("{") ? `{"events":[${body},${body}]}` : body
        }
        yield* send("/v1/events/batch", many)
        const { id: _hotId, ...hot } = yield* send("/v1/events/batch", many)
        const { id: _declaredId, ...declared } = yield* send("/v1/events/batch?", many)
        expect(hot).toEqual(declared)
      })
    )
  })

  it.effect("most of them go the short way, and so does every good one", () =>
    Effect.gen(function* () {
      const { secret } = yield* TestHogsend
      const hot = yield* HotRoutes
      const route = hot.get("/v1/events")
      const headers = Headers.fromInput({ ...json, authorization: `Bearer ${secret}` })
      expect(route?.(headers)?.answer(event({ userId: "u_1" }))).toBeDefined()
      expect(route?.(headers)?.answer("{")).toBeUndefined()
      expect(route?.(Headers.fromInput({ ...headers, "content-type": "text/plain" }))).toBeUndefined()
      const another = `${secret.slice(0, -1)}${secret.endsWith("A") ? "E" : "A"}`
      expect(route?.(Headers.fromInput({ ...headers, authorization: `Bearer ${another}` }))).toBeUndefined()
    }).pipe(Effect.provide(Hogsend.hotRoutes))
  )

  it.effect("a handler that failed is not asked again by the declared route", () =>
    Effect.gen(function* () {
      const warnings = yield* Warnings
      const junkKeys = Effect.gen(function* () {
        yield* warnings.flush
        return (yield* warnings.list({ limit: 1, offset: 0 }, "junk_key")).warnings[0]?.total ?? 0
      })
      const before = yield* junkKeys
      yield* send("/v1/events", { body: event({ userId: "undefined" }) })
      expect((yield* junkKeys) - before).toBe(1)
    })
  )
})
