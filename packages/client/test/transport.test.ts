/** The client and what can go wrong on the way: a real socket, and a server that misbehaves as it is told. */
import { describe, expect, it } from "@effect/vitest"
import {
  Hogsend,
  HogsendAPIError,
  HogsendConnectionError,
  HogsendError,
  type HogsendOptions,
  HogsendResponseError,
  HogsendTimeoutError,
  RateLimitError
} from "@hogsend/client"
import { inspect } from "node:util"
import { afterEach, vi } from "vitest"
import { type Behaviour, hangInBody, json, page, reset, resetInBody, startFaultyServer } from "./faultyServer.ts"

const apiKey = "hsk_a-key-that-nobody-may-read"
const stored = { stored: true, exits: [], contactKey: "u_1", contactKeyKind: "external", safeToIdentify: true }
const unavailable = { _tag: "DatabaseUnavailable", error: "The database cannot be reached right now." }
const limited = { _tag: "RateLimited", error: "Too many requests.", retryAfter: 7, limit: 1, reset: 7 }
const event = { name: "order.placed", userId: "u_1" }
const merge = { survivor: "external:u_1", absorbed: "external:u_2" }

const start = async (...behaviours: ReadonlyArray<Behaviour>) => {
  const server = await startFaultyServer(...behaviours)
  const connect = (options: Partial<HogsendOptions> = {}) =>
    new Hogsend({ baseUrl: server.url, apiKey, retryDelay: 0, ...options })
  return { ...server, connect }
}

/** What the promise is rejected with. It tells nobody the key. */
const failureOf = async (promise: Promise<unknown>) => {
  const failure: unknown = await promise.then(
    (value) => expect.fail(`answered ${inspect(value)}`),
    (error: unknown) => error
  )
  expect(inspect(failure, { depth: null, showHidden: true })).not.toContain(apiKey)
  return failure
}

describe("A request", () => {
  it.for(["", "/", "/api/hogsend", "/api/hogsend/"])("goes below the path of the base URL: %j", async (path) => {
    await using server = await start(json(202, stored))
    await server.connect({ baseUrl: `${server.url}${path}` }).events.send(event)
    expect(server.requests[0]).toMatchObject({ method: "POST", url: `${path.replace(/\/$/, "")}/v1/events` })
  })

  it("carries the headers of the options, which replace none of the client's own", async () => {
    await using server = await start(json(202, stored))
    const headers = { "x-team": "growth", Authorization: "Bearer another", "Content-Type": "text/plain" }
    await server.connect({ headers }).events.send(event)
    expect(server.requests[0]?.headers).toMatchObject({
      "x-team": "growth",
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/json"
    })
  })

  it("is under the key that stands beside the event, or else in it", async () => {
    await using server = await start(json(202, stored))
    const { events } = server.connect()
    await events.send({ ...event, idempotencyKey: "in" }, { idempotencyKey: "beside" })
    await events.track(event, { idempotencyKey: "beside" })
    await events.send({ ...event, idempotencyKey: "in" }, { timeout: 5000 })
    const keys = server.requests.map(({ body }) => JSON.parse(body).idempotencyKey)
    expect(keys).toEqual(["beside", "beside", "in"])
  })

  it("of a batch is not sent when the key is too long for one that comes later", async () => {
    const results = (count: number) =>
      json(202, { results: Array.from({ length: count }, () => ({ status: "stored" })) })
    await using server = await start(results(500), results(1), results(500))
    const { events } = server.connect()
    const many = Array.from({ length: 501 }, () => event)
    const failure = await failureOf(events.sendBatch(many, { idempotencyKey: "k".repeat(252) }))
    expect(failure).toBeInstanceOf(TypeError)
    expect(failure).toMatchObject({ message: expect.stringContaining("at most 251 characters") })
    expect(server.requests).toHaveLength(0)
    expect(await events.sendBatch(many, { idempotencyKey: "k".repeat(251) })).toHaveLength(501)
    await events.sendBatch(many.slice(1), { idempotencyKey: "k".repeat(255) })
    const keys = server.requests.map(({ body }) => JSON.parse(body).idempotencyKey.length)
    expect(keys).toEqual([251, 255, 255])
  })

  it("sends a Date as its text, in a body and in a query", async () => {
    await using server = await start(json(202, stored), json(200, { items: [], total: 0, limit: 50, offset: 0 }))
    const hogsend = server.connect()
    const at = new Date("2026-11-22T10:00:00.000Z")
    await hogsend.events.send({ ...event, timestamp: at, eventProperties: { trialEnds: at } })
    await hogsend.deadLetters.list({ since: at })
    expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject({
      timestamp: at.toISOString(),
      eventProperties: { trialEnds: at.toISOString() }
    })
    expect(server.requests[1]?.url).toBe("/v1/admin/dlq?since=2026-11-22T10%3A00%3A00.000Z")
  })

  it("never goes to another route than the method's, whatever an id holds", async () => {
    await using server = await start(page(404))
    const hogsend = server.connect()
    for (const id of ["", ".", ".."]) expect(await failureOf(hogsend.webhooks.delete(id))).toBeInstanceOf(TypeError)
    expect(server.requests).toEqual([])
    await failureOf(hogsend.webhooks.delete("../api-keys/1?a#b"))
    expect(server.requests[0]?.url).toBe("/v1/admin/webhooks/..%2Fapi-keys%2F1%3Fa%23b")
  })
})

describe("What is safe to send again", () => {
  const faults: ReadonlyArray<readonly [string, Behaviour]> = [
    ["a reset", reset],
    ["a reset within the body", resetInBody],
    ["a 502 of a proxy", page(502)],
    ["a 503", json(503, unavailable, { "retry-after": "0" })],
    ["a 504", page(504)],
    ["a 429", json(429, limited, { "retry-after": "0" })],
    ["a 429 until a time that is over", json(429, limited, { "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT" })]
  ]

  it.for(faults)("is sent again after %s: an event, under the same key", async ([, fault]) => {
    await using server = await start(fault, fault, json(202, stored))
    expect(await server.connect().events.send(event)).toEqual(stored)
    const keys = server.requests.map(({ body }) => JSON.parse(body).idempotencyKey)
    expect(keys).toHaveLength(3)
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(new Set(keys).size).toBe(1)
  })

  it("is sent again after a time-out, which counts for each attempt anew", async () => {
    const fetch = vi
      .fn<typeof globalThis.fetch>()
      .mockImplementationOnce(() => new Promise(() => {}))
      .mockImplementationOnce(async () => Response.json(stored))
    const hogsend = new Hogsend({ baseUrl: "http://hogsend.example", apiKey, fetch, retryDelay: 0 })
    expect(await hogsend.events.send(event, { timeout: 10 })).toEqual(stored)
  })

  it("is a read, an upsert and a deletion", async () => {
    await using server = await start(reset, json(200, { contacts: [] }))
    expect(await server.connect().contacts.find({ userId: "u_1" })).toEqual([])
    const upserted = { id: "1", created: true, linked: false, contactKey: "u_1" }
    await using another = await start(reset, json(200, upserted))
    expect(await another.connect().contacts.upsert({ userId: "u_1" })).toEqual(upserted)
    await using third = await start(reset, json(200, { deleted: true, erasure: {} }))
    expect(await third.connect().contacts.delete({ userId: "u_1" })).toMatchObject({ deleted: true })
  })

  it("is no merge, unless the server certainly did nothing", async () => {
    for (const fault of [reset, resetInBody, page(502), json(503, unavailable)]) {
      await using server = await start(fault, json(200, { contact: {}, absorbed: null }))
      expect(await failureOf(server.connect().identity.merge(merge))).toBeInstanceOf(HogsendError)
      expect(server.requests).toHaveLength(1)
    }
    await using server = await start(
      json(429, limited, { "retry-after": "0" }),
      json(200, { contact: {}, absorbed: null })
    )
    expect(await server.connect().identity.merge(merge)).toMatchObject({ absorbed: null })
  })

  it("is sent again as often as the options say, the call's before the client's", async () => {
    await using server = await start(reset)
    const hogsend = server.connect({ maxRetries: 1 })
    expect(await failureOf(hogsend.events.send(event))).toBeInstanceOf(HogsendConnectionError)
    expect(server.requests).toHaveLength(2)
    await failureOf(hogsend.events.send(event, { maxRetries: 0 }))
    expect(server.requests).toHaveLength(3)
  })

  it.for([400, 401, 403, 404, 409, 413, 500])("is not sent again after a %d", async (status) => {
    await using server = await start(json(status, { _tag: "Refused", error: "No." }))
    expect(await failureOf(server.connect().events.send(event))).toBeInstanceOf(HogsendAPIError)
    expect(server.requests).toHaveLength(1)
  })
})

describe("A pause", () => {
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it("is as long as Retry-After says, in seconds or as a date", async () => {
    vi.useFakeTimers({ now: new Date("2026-11-22T10:00:00Z") })
    vi.spyOn(Math, "random").mockReturnValue(0)
    for (const retryAfter of ["7", "Sun, 22 Nov 2026 10:00:07 GMT"]) {
      vi.setSystemTime(new Date("2026-11-22T10:00:00Z"))
      const fetch = vi
        .fn<typeof globalThis.fetch>()
        .mockResolvedValueOnce(Response.json(limited, { status: 429, headers: { "retry-after": retryAfter } }))
        .mockResolvedValueOnce(Response.json(stored))
      const answer = new Hogsend({ baseUrl: "http://hogsend.example", apiKey, fetch }).events.send(event)
      await vi.advanceTimersByTimeAsync(6999)
      expect(fetch).toHaveBeenCalledTimes(1)
      await vi.advanceTimersByTimeAsync(1)
      expect(await answer).toEqual(stored)
    }
  })

  it("that would be longer than the caller waits is none: the call is rejected at once", async () => {
    for (const fault of [json(429, limited, { "retry-after": "7" }), page(429, { "retry-after": "7" })]) {
      await using server = await start(fault)
      const failure = await failureOf(server.connect({ maxRetryDelay: 6999 }).events.send(event))
      expect(failure).toMatchObject({ status: 429, retryAfter: 7 })
      expect(server.requests).toHaveLength(1)
    }
  })

  it("ends when the caller aborts", async () => {
    await using server = await start(json(429, limited, { "retry-after": "3600" }))
    const stop = new AbortController()
    const answer = failureOf(server.connect({ maxRetryDelay: 3_600_000 }).events.send(event, { signal: stop.signal }))
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 10_000 })
    stop.abort(new Error("the user left"))
    expect(await answer).toMatchObject({ message: "the user left" })
  })
})

describe("A call is rejected with", () => {
  it("what Hogsend says, and where its log tells more", async () => {
    const issues = [{ path: ["payload", "name"], message: "Missing key" }]
    const body = { _tag: "RequestInvalid", error: "payload.name: Missing key", issues }
    await using server = await start(json(400, body, { "x-request-id": "r_1" }))
    const failure = await failureOf(server.connect().events.send(event))
    expect(failure).toBeInstanceOf(HogsendAPIError)
    expect(failure).toMatchObject({ status: 400, tag: "RequestInvalid", requestId: "r_1", issues, body })
    expect(String(failure)).toBe(
      "HogsendAPIError: POST /v1/events was answered 400 RequestInvalid: payload.name: Missing key"
    )
  })

  it("a RateLimitError, which says when to come back", async () => {
    await using server = await start(json(429, limited, { "retry-after": "7" }))
    const failure = await failureOf(server.connect({ maxRetries: 0 }).events.send(event))
    expect(failure).toBeInstanceOf(RateLimitError)
    expect(failure).toBeInstanceOf(HogsendAPIError)
    expect(failure).toMatchObject({ name: "RateLimitError", tag: "RateLimited", retryAfter: 7 })
  })

  const strangers: ReadonlyArray<readonly [string, number, Behaviour]> = [
    ["a page", 200, page(200)],
    ["a proxy's page of an error", 502, page(502)],
    ["a redirect", 301, page(301, { location: "/elsewhere" })],
    ["nothing", 204, (response) => response.writeHead(204).end()],
    ["a list", 200, json(200, [stored])],
    ["JSON of another shape", 200, json(200, { ok: true })],
    ["an error of another shape", 404, json(404, { message: "No such page" })]
  ]

  it.for(strangers)("a HogsendResponseError for %s", async ([, status, behaviour]) => {
    await using server = await start(behaviour)
    const failure = await failureOf(server.connect({ maxRetries: 0 }).events.send(event))
    expect(failure).toBeInstanceOf(HogsendResponseError)
    expect(failure).toMatchObject({ status })
    expect(server.requests).toHaveLength(1)
  })

  it("a HogsendTimeoutError when the whole answer does not come in time, its body included", async () => {
    await using server = await start(hangInBody)
    const failure = await failureOf(server.connect({ timeout: 50, maxRetries: 0 }).events.send(event))
    expect(failure).toBeInstanceOf(HogsendTimeoutError)
  })

  it("one, too, when a fetch of the caller's own heeds no signal", async () => {
    const hogsend = new Hogsend({ baseUrl: "http://hogsend.example", apiKey, fetch: () => new Promise(() => {}) })
    const failure = await failureOf(hogsend.events.send(event, { timeout: 10, maxRetries: 0 }))
    expect(failure).toBeInstanceOf(HogsendTimeoutError)
  })

  it("a HogsendConnectionError when there is no server, with its cause", async () => {
    const { url } = await (async () => {
      await using server = await start(reset)
      return { url: server.url }
    })()
    const failure = await failureOf(new Hogsend({ baseUrl: url, apiKey, maxRetries: 0 }).events.send(event))
    expect(failure).toBeInstanceOf(HogsendConnectionError)
    expect(failure).toMatchObject({ cause: expect.any(Error) })
  })

  it("the signal's reason, before it is sent and while the answer comes", async () => {
    await using server = await start(hangInBody)
    const hogsend = server.connect()
    expect(await failureOf(hogsend.events.send(event, { signal: AbortSignal.abort() }))).toMatchObject({
      name: "AbortError"
    })
    expect(server.requests).toHaveLength(0)
    const stop = new AbortController()
    const answer = failureOf(hogsend.events.send(event, { signal: stop.signal }))
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 10_000 })
    stop.abort("enough")
    expect(await answer).toBe("enough")
    expect(server.requests).toHaveLength(1)
  })

  it("whatever is wrong with what it was given: nothing is thrown at once", async () => {
    const hogsend = new Hogsend({ baseUrl: "http://hogsend.example", apiKey, fetch: () => Promise.reject(new Error()) })
    const methods = Object.values(hogsend).flatMap((resource) => Object.values(resource as object))
    expect(methods.length).toBeGreaterThan(20)
    for (const method of methods as ReadonlyArray<(...given: ReadonlyArray<unknown>) => Promise<unknown>>) {
      const answer = method(null, null, { maxRetries: 0 })
      expect(answer).toBeInstanceOf(Promise)
      expect(await failureOf(answer)).toBeInstanceOf(Error)
    }
    const loop: Record<string, unknown> = {}
    loop["loop"] = loop
    expect(await failureOf(hogsend.contacts.upsert({ userId: "u_1", properties: loop as never }))).toBeInstanceOf(
      TypeError
    )
  })
})

describe("The constructor", () => {
  const wrong: ReadonlyArray<readonly [string, object]> = [
    ["baseUrl", { baseUrl: undefined }],
    ["baseUrl", { baseUrl: "hogsend.example" }],
    ["baseUrl", { baseUrl: "ftp://hogsend.example" }],
    ["baseUrl", { baseUrl: "https://ada:secret@hogsend.example" }],
    ["baseUrl", { baseUrl: "https://hogsend.example/?a=b" }],
    ["apiKey", { apiKey: undefined }],
    ["apiKey", { apiKey: "" }],
    ["apiKey", { apiKey: `${apiKey}\n` }],
    ["headers", { headers: { "x-team": "ein\nUmbruch" } }],
    ["fetch", { fetch: "fetch" }],
    ["timeout", { timeout: 0 }],
    ["timeout", { timeout: Infinity }],
    ["maxRetries", { maxRetries: -1 }],
    ["retryDelay", { retryDelay: Number.NaN }],
    ["maxRetryDelay", { maxRetryDelay: "10" }]
  ]

  it.for(wrong)("refuses a wrong %s by its name, and tells no key: %j", ([name, option]) => {
    const construct = () => new Hogsend({ baseUrl: "https://hogsend.example", apiKey, ...option })
    expect(construct).toThrow(TypeError)
    expect(construct).toThrow(new RegExp(`^${name} must`))
    expect(construct).not.toThrow(apiKey)
  })

  it("refuses to be given nothing", () => expect(() => new Hogsend(undefined as never)).toThrow(/^baseUrl must/))

  it("makes a client of which nothing shows the key", () => {
    const hogsend = new Hogsend({ baseUrl: "https://hogsend.example", apiKey })
    for (const text of [inspect(hogsend, { depth: null, showHidden: true }), JSON.stringify(hogsend)]) {
      expect(text).not.toContain(apiKey)
    }
  })
})
