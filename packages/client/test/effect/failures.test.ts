import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { Hogsend, type HogsendOptions } from "../../src/effect/index.ts"
import {
  answer,
  type Behaviour,
  failed,
  faultyServer,
  html,
  json,
  lines,
  reset,
  silent,
  succeeded
} from "./FaultyServer.ts"

const key = "hsk_that_nobody_may_ever_read_in_a_failure"

const client = (baseUrl: string, options: Partial<HogsendOptions> = {}) =>
  Hogsend.layer({ baseUrl, apiKey: Redacted.make(key), timeout: 300, retry: false, ...options }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )

const track = Effect.flatMap(Hogsend, ({ events }) => events.track({ name: "order.placed", userId: "u_1" }))
const find = Effect.flatMap(Hogsend, ({ contacts }) => contacts.find({ userId: "u_1" }))

const cutOff: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "application/x-ndjson", "content-length": "1000" })
  response.write('{"_tag":"Exit","requestId')
  setImmediate(() => response.socket?.resetAndDestroy())
}

const refusedJson = (tag: string, fields: object = {}) => ({ _tag: tag, error: "A sentence.", ...fields })

/** What happens, what a call over `/rpc` fails with, and what a route does. */
const cases: ReadonlyArray<readonly [string, Behaviour, string, string?]> = [
  ["a key that is not known", json(401, refusedJson("Unauthorized")), "Unauthorized", "Unauthorized"],
  [
    "a key that expired",
    json(401, refusedJson("KeyExpired", { expiredAt: "2026-01-01T00:00:00.000Z" })),
    "KeyExpired",
    "KeyExpired"
  ],
  [
    "a key without the scope",
    json(403, refusedJson("ScopeMissing", { required: ["read"] })),
    "ScopeMissing",
    "ScopeMissing"
  ],
  ["a body that is too large", json(413, refusedJson("BodyTooLarge")), "BodyTooLarge", "BodyTooLarge"],
  [
    "a rate limit",
    json(429, refusedJson("RateLimited", { retryAfter: 7, limit: 10, reset: 20 }), {
      "retry-after": "7",
      "x-ratelimit-limit": "10",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": "20"
    }),
    "RateLimited",
    "RateLimited"
  ],
  [
    "a database out of reach",
    json(503, refusedJson("DatabaseUnavailable")),
    "DatabaseUnavailable",
    "DatabaseUnavailable"
  ],
  ["a fault of the server", json(500, refusedJson("InternalFault")), "InternalFault", "InternalFault"],
  ["a gateway's page", html(502), "ServerUnreachable", "ServerUnreachable"],
  ["a gateway's JSON", json(503, { message: "no healthy upstream" }), "ServerUnreachable", "ServerUnreachable"],
  ["somebody else's page", html(200), "AnswerUnreadable", "AnswerUnreadable"],
  ["a page that is not there", html(404), "AnswerUnreadable", "AnswerUnreadable"],
  ["somebody else's JSON", json(404, { message: "no such function" }), "AnswerUnreadable", "AnswerUnreadable"],
  [
    "a redirect to nowhere",
    answer(302, "text/html", "", { location: "http://127.0.0.1:1/" }),
    "ServerUnreachable",
    "ServerUnreachable"
  ],
  ["a reset", reset, "ServerUnreachable", "ServerUnreachable"],
  ["silence", silent, "TimedOut", "TimedOut"],
  [
    "silence after the beginning",
    (response) => response.writeHead(200, { "content-type": "application/x-ndjson" }).write("{"),
    "TimedOut",
    "TimedOut"
  ],
  ["an answer that breaks off", cutOff, "ServerUnreachable", "ServerUnreachable"],
  ["an answer that ends too soon", lines(), "ServerUnreachable"],
  ["half an answer that ends well", answer(200, "application/x-ndjson", '{"_tag":"Exit",'), "ServerUnreachable"],
  ["lines that are no JSON", answer(200, "application/x-ndjson", "so far so good\n"), "AnswerUnreadable"],
  ["a line that is no message", answer(200, "application/x-ndjson", "null\n"), "AnswerUnreadable"],
  ["an answer of another shape", succeeded({ accepted: true }), "AnswerUnreadable"],
  ["an exit of another shape", lines({ _tag: "Exit", exit: 7 }), "AnswerUnreadable"],
  [
    "a failure that only a newer server has",
    failed({ _tag: "Fail", error: refusedJson("QuotaExceeded") }),
    "AnswerUnreadable"
  ],
  [
    "a refusal that only a newer server has",
    json(402, refusedJson("QuotaExceeded")),
    "AnswerUnreadable",
    "AnswerUnreadable"
  ],
  ["a defect of the server", failed({ _tag: "Die", defect: "somebody's SQL" }), "InternalFault"],
  ["a defect of Effect's server", lines({ _tag: "Defect", defect: "no such call" }), "InternalFault"],
  ["a server that stops", failed({ _tag: "Interrupt", fiberId: 7 }), "ServerUnreachable"],
  [
    "a failure of the call",
    failed({ _tag: "Fail", error: refusedJson("IdempotencyKeyReused") }),
    "IdempotencyKeyReused"
  ]
]

describe("What goes wrong arrives as its class", () => {
  for (const [name, behaviour, ofCall, ofRoute] of cases) {
    it.live(`${name}: ${ofCall}`, () =>
      Effect.gen(function* () {
        const { url } = yield* faultyServer(behaviour)
        const failure = yield* Effect.flip(Effect.provide(track, client(url)))
        expect(failure).toMatchObject({ _tag: ofCall, error: expect.any(String) })
        expect(JSON.stringify(failure) + String(failure.stack)).not.toContain(key)
      })
    )
    if (ofRoute !== undefined)
      it.live(`${name}, of a route: ${ofRoute}`, () =>
        Effect.gen(function* () {
          const { url } = yield* faultyServer(behaviour)
          const failure = yield* Effect.flip(Effect.provide(find, client(url)))
          expect(failure).toMatchObject({ _tag: ofRoute, error: expect.any(String) })
        })
      )
  }
})

it.live("Retry-After is understood as a date, and of a busy server as well", () =>
  Effect.gen(function* () {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString()
    const gateway = yield* faultyServer(html(503, { "retry-after": inAMinute }))
    const told = yield* Effect.flip(Effect.provide(track, client(gateway.url)))
    expect(told).toMatchObject({ _tag: "ServerUnreachable", retryAfter: expect.closeTo(60, -1) })
    for (const tag of ["DatabaseUnavailable", "Overloaded"]) {
      const busy = yield* faultyServer(failed({ _tag: "Fail", error: refusedJson(tag, { retryAfter: 1 }) }))
      expect(yield* Effect.flip(Effect.provide(track, client(busy.url)))).toMatchObject({ _tag: tag, retryAfter: 1 })
    }
    const calls: ReadonlyArray<Effect.Effect<unknown, unknown, Hogsend>> = [track, find]
    for (const call of calls) {
      const { url } = yield* faultyServer(json(503, refusedJson("DatabaseUnavailable"), { "retry-after": "7" }))
      const failure = yield* Effect.flip(Effect.provide(call, client(url)))
      expect(failure).toMatchObject({ _tag: "DatabaseUnavailable", retryAfter: 7 })
    }
  })
)
