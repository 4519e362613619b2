import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { gzipSync } from "node:zlib"
import { PostHogBehaviour } from "../../src/TestPostHog/PostHogBehaviour.ts"
import { TestPostHog } from "../../src/TestPostHog.ts"

/** What came back, the body parsed where it is JSON; nothing where there was no answer. */
const ask = (url: string, { method = "GET", key, body, gzip = false }: Ask = {}) =>
  Effect.promise(async () => {
    try {
      const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
      const response = await fetch(url, {
        method,
        headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
        ...(text === undefined ? {} : { body: gzip ? gzipSync(text) : text })
      })
      const answered = await response.text()
      const { status, headers } = response
      const isJson = headers.get("content-type") === "application/json" && /^[{[].*[}\]]$/s.test(answered)
      return { status, retryAfter: headers.get("retry-after"), body: isJson ? JSON.parse(answered) : answered }
    } catch {
      return undefined
    }
  })

interface Ask {
  readonly method?: string
  readonly key?: string
  readonly body?: unknown
  readonly gzip?: boolean
}

const persons = (posthog: TestPostHog["Service"], query = "") =>
  `${posthog.apiHost}/api/environments/${posthog.projectId}/persons/${query}`

const post = (posthog: TestPostHog["Service"], path: string, body: unknown, gzip = false) =>
  ask(posthog.captureHost + path, { method: "POST", body, gzip })

describe("Capture", () => {
  it.live("takes one event or many, under every path, compressed or not", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const one = (distinct_id: string) => ({ api_key: posthog.apiKey, event: "viewed", distinct_id })
      const { api_key: token, ...bare } = one("u_5")
      const sent = [
        ["/capture/", one("u_1"), false],
        ["/e/?compression=gzip-js", [one("u_2"), one("u_3")], true],
        ["/i/v0/e/?compression=gzip", one("u_4"), true],
        ["/batch", { api_key: token, batch: [bare, { event: "viewed", properties: { distinct_id: "u_6" } }] }, false]
      ] as const
      for (const [path, body, gzip] of sent) {
        expect(yield* post(posthog, path, body, gzip)).toMatchObject({ status: 200, body: { status: 1 } })
      }
      expect(posthog.store.persons().map(({ distinctIds: [id] }) => id)).toEqual(
        [1, 2, 3, 4, 5, 6].map((number) => `u_${number}`)
      )
      expect(posthog.requests("capture").map(({ body }) => body)).toEqual(sent.map(([, body]) => body))
    })
  )

  it.live("refuses an unknown key, a body that is no event, and one that is too large, and keeps nothing of it", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make({ limit: 1000 })
      const api_key = posthog.apiKey
      const event = { event: "viewed", distinct_id: "u_1" }
      const refused = [
        [401, { api_key: "phc_unknown", ...event }, false],
        [401, event, false],
        [400, { api_key, batch: [event, { event: "viewed" }] }, false],
        [400, { api_key, batch: [event, { distinct_id: "u_1" }] }, false],
        [400, { api_key, batch: [] }, false],
        [400, "not JSON", false],
        [413, { api_key, ...event, properties: { text: "x".repeat(1000) } }, false],
        [413, { api_key, ...event, properties: { text: "x".repeat(1000) } }, true]
      ] as const
      for (const [status, body, gzip] of refused) {
        expect(yield* post(posthog, gzip ? "/batch/?compression=gzip" : "/batch/", body, gzip)).toMatchObject({
          status
        })
      }
      expect(yield* post(posthog, "/batch/?compression=gzip", { api_key, ...event })).toMatchObject({ status: 400 })
      expect(posthog.store.events()).toEqual([])
      expect(posthog.requests("capture")).toHaveLength(refused.length + 1)
    })
  )
})

describe("The private API", () => {
  it.live("tells the project and its persons to a key with the scope, 403 to one without, 401 to all others", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const project = `${posthog.apiHost}/api/projects/@current/`
      const key = posthog.personalApiKey
      expect(yield* ask(project, { key })).toMatchObject({
        status: 200,
        body: { id: posthog.projectId, api_token: posthog.apiKey, name: expect.any(String) }
      })
      posthog.allowKey("phx_reader", ["person:read"])
      const status = (url: string, key?: string) =>
        Effect.map(ask(url, key === undefined ? {} : { key }), (answer) => answer?.status)
      expect(yield* status(persons(posthog), "phx_reader")).toBe(200)
      expect(yield* status(project, "phx_reader")).toBe(403)
      posthog.revokeKey("phx_reader")
      for (const url of [project, persons(posthog)]) {
        expect([yield* status(url), yield* status(url, "phx_reader"), yield* status(url, posthog.apiKey)]).toEqual([
          401, 401, 401
        ])
      }
      expect(yield* status(`${posthog.apiHost}/api/environments/1/persons/`, key)).toBe(404)
    })
  )

  it.live("finds a person by each of its distinct ids, and by its uuid, and deletes it for a key that may", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const key = posthog.personalApiKey
      const event = (distinct_id: string, properties = {}, event = "$set") =>
        post(posthog, "/capture/", { api_key: posthog.apiKey, event, distinct_id, properties })
      yield* event("u 1+&", { $set: { plan: "pro" } })
      yield* event("u 1+&", { alias: "a_1" }, "$create_alias")
      yield* event("u_2")
      const byDistinctId = (id: string) => ask(persons(posthog, `?distinct_id=${encodeURIComponent(id)}`), { key })
      const found = yield* byDistinctId("u 1+&")
      expect(found).toMatchObject({
        status: 200,
        body: { next: null, results: [{ distinct_ids: ["u 1+&", "a_1"], properties: { plan: "pro" } }] }
      })
      expect((yield* byDistinctId("a_1"))?.body).toEqual(found?.body)
      expect(yield* byDistinctId("nobody")).toMatchObject({ status: 200, body: { results: [], next: null } })
      const person = found?.body.results[0]
      const url = persons(posthog, `${person.uuid}/`)
      expect((yield* ask(url, { key }))?.body).toEqual(person)
      posthog.allowKey("phx_reader", ["person:read"])
      expect(yield* ask(url, { key: "phx_reader", method: "DELETE" })).toMatchObject({ status: 403 })
      expect(yield* ask(`${url}?delete_events=true`, { key, method: "DELETE" })).toMatchObject({ status: 204 })
      expect(yield* ask(url, { key })).toMatchObject({ status: 404 })
      expect(posthog.store.events().map((each) => each.distinct_id)).toEqual(["u_2"])
    })
  )
})

describe("A test", () => {
  it.live("orders trouble for a number of requests or until it heals, for each side on its own", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const key = posthog.personalApiKey
      const read = ask(persons(posthog), { key })
      const capture = post(posthog, "/capture/", { api_key: posthog.apiKey, event: "viewed", distinct_id: "u_1" })
      posthog.api.always(PostHogBehaviour.throttle(7))
      posthog.api.next(PostHogBehaviour.fail(503), 2)
      posthog.api.next(PostHogBehaviour.close)
      expect([(yield* read)?.status, (yield* read)?.status, yield* read]).toEqual([503, 503, undefined])
      expect(yield* read).toMatchObject({ status: 429, retryAfter: "7" })
      expect((yield* read)?.status).toBe(429)
      expect((yield* capture)?.status).toBe(200)
      posthog.api.heal()
      expect(yield* read).toMatchObject({ status: 200, body: { results: [{ distinct_ids: ["u_1"] }] } })
      for (const [behaviour, body] of [
        [PostHogBehaviour.html, expect.stringContaining("<html>")],
        [PostHogBehaviour.notJson, expect.stringMatching(/^\{[^}]*$/)],
        [PostHogBehaviour.wrongShape, expect.objectContaining({ results: "none" })]
      ] as const) {
        posthog.api.next(behaviour)
        expect(yield* read).toMatchObject({ status: 200, body })
      }
      posthog.capture.next(PostHogBehaviour.lose)
      expect(yield* capture).toBeUndefined()
      expect(posthog.store.events()).toHaveLength(2)
    })
  )

  it.live("opens the gate behind which requests wait, and reads how many were in flight", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const { behaviour, open } = PostHogBehaviour.gate()
      posthog.api.always(behaviour)
      const read = ask(persons(posthog), { key: posthog.personalApiKey })
      const reads = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 5 }, () => read),
          { concurrency: 5 }
        )
      )
      yield* posthog.until(() => posthog.inFlight("api") === 5)
      open()
      yield* Fiber.join(reads)
      yield* posthog.until(() => posthog.inFlight("api") === 0)
      yield* read
      expect([posthog.mostInFlight("api"), posthog.mostInFlight("capture")]).toEqual([5, 0])
      expect(posthog.requests("persons")).toHaveLength(6)
    })
  )

  it.live("stops it and starts it again under the same addresses, with all that it knew", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const event = { api_key: posthog.apiKey, event: "viewed", distinct_id: "u_1" }
      const read = ask(persons(posthog), { key: posthog.personalApiKey })
      yield* post(posthog, "/e/", event)
      posthog.api.next(PostHogBehaviour.hang)
      const hanging = yield* Effect.forkChild(read)
      yield* posthog.until(() => posthog.inFlight("api") === 1)
      yield* posthog.stop
      expect(yield* Fiber.join(hanging)).toBeUndefined()
      expect([yield* post(posthog, "/e/", event), yield* read]).toEqual([undefined, undefined])
      yield* posthog.start
      expect(yield* read).toMatchObject({ status: 200, body: { results: [{ distinct_ids: ["u_1"] }] } })
    })
  )

  it.live("has two addresses that know nothing of each other's paths, or one that knows all", () =>
    Effect.gen(function* () {
      const [two, one] = [yield* TestPostHog.make(), yield* TestPostHog.make({ oneHost: true })]
      const path = "/api/projects/@current/"
      const key = two.personalApiKey
      const event = { api_key: two.apiKey, event: "viewed", distinct_id: "u_1" }
      expect(yield* ask(two.captureHost + path, { key })).toMatchObject({ status: 404 })
      expect(yield* ask(`${two.apiHost}/batch/`, { method: "POST", body: event })).toMatchObject({ status: 404 })
      expect(two.requests().map(({ side, kind }) => [side, kind])).toEqual([
        ["capture", "unknown"],
        ["api", "unknown"]
      ])
      expect(one.captureHost).toBe(one.apiHost)
      expect(yield* ask(one.captureHost + path, { key })).toMatchObject({ status: 200 })
      expect(yield* post(one, "/batch/", event)).toMatchObject({ status: 200 })
      expect(one.requests().map(({ side }) => side)).toEqual(["api", "capture"])
    })
  )
})
