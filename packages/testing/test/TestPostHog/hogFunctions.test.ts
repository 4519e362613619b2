/** PostHog's hog functions and what its webhooks forward, as tests rely on them. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { TestPostHog, type TestPostHogOptions } from "../../src/TestPostHog.ts"

const identified = { key: "$is_identified", type: "event", operator: "exact", value: ["true"] }

const webhook = (url: string, more: object = {}) => ({
  type: "destination",
  template_id: "template-webhook",
  name: "Ours",
  enabled: true,
  inputs: {
    url: { value: url },
    method: { value: "POST" },
    headers: { value: { "x-secret": "s3cret", "x-about": "{event.event} of {person.name}" } },
    body: { value: { event: "{event}", person: "{person}", id: "{event.distinct_id}", list: ["{event.uuid}"] } }
  },
  filters: { source: "events", properties: [identified] },
  ...more
})

const ask = (posthog: TestPostHog["Service"], path: string, method = "GET", body?: unknown, key?: string) =>
  Effect.promise(async () => {
    const response = await fetch(new URL(`/api/environments/17/hog_functions/${path}`, posthog.apiHost), {
      method,
      headers: { authorization: `Bearer ${key ?? posthog.personalApiKey}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    // oxlint-disable-next-line typescript/no-explicit-any
    return { status: response.status, body: (await response.json()) as any }
  })

describe("Hog functions", () => {
  it.live("are made, read and changed, an input bag as a whole", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const made = yield* ask(posthog, "", "POST", webhook("https://example.com"))
      expect(made).toMatchObject({ status: 201, body: { enabled: true, template: { id: "template-webhook" } } })
      const { id } = made.body
      expect(yield* ask(posthog, `${id}/`)).toEqual({ status: 200, body: made.body })
      const inputs = { url: { value: "https://other.example.com" } }
      expect(yield* ask(posthog, `${id}/`, "PATCH", { inputs, enabled: false })).toMatchObject({ status: 200 })
      expect((yield* ask(posthog, `${id}/`)).body).toEqual({ ...made.body, inputs, enabled: false })
      expect(posthog.hogFunctions.get(id)?.inputs).toEqual(inputs)
    })
  )

  it.live("are listed in pages, without their inputs", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make({ pageLimit: 2 })
      for (const name of ["a", "b", "c"]) yield* ask(posthog, "", "POST", webhook("https://example.com", { name }))
      const { body: first } = yield* ask(posthog, "?type=destination&limit=100")
      expect(first).toMatchObject({ count: 3, results: [{ name: "a" }, { name: "b" }] })
      expect(first.results[0]).not.toHaveProperty("inputs")
      const { body: second } = yield* ask(posthog, new URL(first.next).search)
      expect(second).toMatchObject({ next: null, results: [{ name: "c" }] })
      expect((yield* ask(posthog, "?type=transformation")).body).toMatchObject({ count: 0 })
    })
  )

  it.live("are refused without the scope, to a draft that is none, and where there are none", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      posthog.allowKey("phx_read", ["hog_function:read"])
      posthog.allowKey("phx_other", ["person:write"])
      expect(yield* ask(posthog, "", "GET", undefined, "phx_read")).toMatchObject({ status: 200 })
      expect(yield* ask(posthog, "", "POST", webhook("https://example.com"), "phx_read")).toMatchObject({ status: 403 })
      expect(yield* ask(posthog, "", "GET", undefined, "phx_other")).toMatchObject({ status: 403 })
      expect(yield* ask(posthog, "", "GET", undefined, "phx_unknown")).toMatchObject({ status: 401 })
      for (const [attr, draft] of [
        ["type", webhook("https://example.com", { type: undefined })],
        ["name", webhook("https://example.com", { name: "" })],
        ["template_id", webhook("https://example.com", { template_id: "template-unknown" })],
        ["inputs__url", webhook("")]
      ] as const) {
        expect(yield* ask(posthog, "", "POST", draft)).toMatchObject({ status: 400, body: { attr } })
      }
      expect(posthog.hogFunctions.all()).toEqual([])
      expect(yield* ask(posthog, "unknown/")).toMatchObject({ status: 404 })
      const old = yield* TestPostHog.make({ withoutHogFunctions: true })
      expect(yield* ask(old, "")).toMatchObject({ status: 404 })
    })
  )
})

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: { readonly event: { readonly uuid: string; readonly event: string } }
}

/** A receiver that answers these statuses in turn, then 200; undefined closes the connection. */
const receiver = (
  ...statuses: Array<number | undefined>
): Effect.Effect<{ url: string; received: Array<Received> }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const received: Array<Received> = []
    const server = createServer(async (request, response) => {
      const text = Buffer.concat(await request.toArray()).toString()
      received.push({ headers: request.headers, body: JSON.parse(text) })
      const status = statuses.length > 0 ? statuses.shift() : 200
      if (status === undefined) response.destroy()
      else response.writeHead(status).end()
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => void server.close())
    )
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received }
  })

const forwarding = (statuses: Array<number | undefined> = [], options: TestPostHogOptions = {}, more: object = {}) =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make(options)
    const { received, url } = yield* receiver(...statuses)
    posthog.hogFunctions.create(webhook(url, more))
    const capture = (event: string, properties: object = { $is_identified: true }, uuid: string = event) =>
      Effect.promise(() =>
        fetch(`${posthog.captureHost}/capture/`, {
          method: "POST",
          body: JSON.stringify({ api_key: posthog.apiKey, event, distinct_id: "u_1", uuid, properties })
        })
      )
    const quiet = posthog.until(() => posthog.forwarding.inFlight() === 0)
    return { posthog, received, capture, quiet, names: () => received.map(({ body }) => body.event.event) }
  })

describe("A webhook", () => {
  it.live("posts the event and its person, with the templates filled in", () =>
    Effect.gen(function* () {
      const { capture, posthog, quiet, received } = yield* forwarding()
      yield* capture("signed up", { $is_identified: true, $set: { email: "a@example.com" }, plan: "pro" })
      yield* quiet
      expect(received).toMatchObject([
        {
          headers: { "x-secret": "s3cret", "x-about": "signed up of a@example.com" },
          body: {
            event: { uuid: "signed up", event: "signed up", distinct_id: "u_1", properties: { plan: "pro" } },
            person: {
              id: posthog.store.person("u_1")?.uuid,
              name: "a@example.com",
              properties: { email: "a@example.com" }
            },
            id: "u_1",
            list: ["signed up"]
          }
        }
      ])
      expect(posthog.forwarding.attempts()).toMatchObject([{ attempt: 1, status: 200 }])
    })
  )

  it.live("posts only what passes its filters, and nothing when it is disabled", () =>
    Effect.gen(function* () {
      const events = [
        { id: "bought", type: "events" },
        { id: "viewed", properties: [{ key: "path", value: "/a" }] }
      ]
      const { capture, names, posthog, quiet } = yield* forwarding(
        [],
        {},
        { filters: { events, properties: [identified] } }
      )
      for (const [name, properties] of [
        ["bought", {}],
        ["bought", { $is_identified: false }],
        ["other", { $is_identified: true }],
        ["viewed", { $is_identified: true, path: "/b" }],
        ["viewed", { $is_identified: "true", path: "/a" }],
        ["bought", { $is_identified: true }]
      ] as const) {
        yield* capture(name, properties)
        yield* quiet
      }
      expect(names()).toEqual(["viewed", "bought"])
      for (const { id } of posthog.hogFunctions.all()) posthog.hogFunctions.change(id, { enabled: false })
      yield* capture("bought")
      yield* quiet
      expect(names().length).toBe(2)
    })
  )

  it.live("is tried again under the same uuid, a few times and for failures that may pass", () =>
    Effect.gen(function* () {
      const { capture, posthog, quiet, received } = yield* forwarding([503, undefined, 200, 500, 500, 500, 400])
      for (const name of ["a", "b", "c"]) {
        yield* capture(name)
        yield* quiet
      }
      expect(received.map(({ body }) => body.event.uuid)).toEqual(["a", "a", "a", "b", "b", "b", "c"])
      expect(posthog.forwarding.attempts().map(({ attempt, status }) => [attempt, status])).toEqual([
        [1, 503],
        [2, undefined],
        [3, 200],
        [1, 500],
        [2, 500],
        [3, 500],
        [1, 400]
      ])
    })
  )

  it.live("posts an event again that is captured again", () =>
    Effect.gen(function* () {
      const { capture, names, posthog, quiet } = yield* forwarding()
      yield* capture("a")
      yield* capture("a")
      yield* quiet
      expect(names()).toEqual(["a", "a"])
      expect(posthog.store.events().length).toBe(1)
    })
  )

  it.live("is held until the test releases it: backwards, twice, or not at all", () =>
    Effect.gen(function* () {
      const { capture, names, posthog, quiet } = yield* forwarding()
      posthog.forwarding.hold()
      for (const name of ["a", "b", "c"]) yield* capture(name)
      expect(posthog.forwarding.held().map(({ event }) => event.event)).toEqual(["a", "b", "c"])
      expect(names()).toEqual([])
      yield* posthog.forwarding.release(([a, , c]) => [c!, a!, c!])
      expect(names()).toEqual(["c", "a", "c"])
      yield* capture("d")
      expect(names().length).toBe(3)
      yield* posthog.forwarding.resume
      yield* capture("e")
      yield* quiet
      expect(names()).toEqual(["c", "a", "c", "d", "e"])
      expect(posthog.forwarding.held()).toEqual([])
    })
  )

  it.live("does not keep the capture waiting", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const stuck = createServer(() => {})
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void stuck.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.sync(() => (stuck.close(), stuck.closeAllConnections()))
      )
      posthog.hogFunctions.create(webhook(`http://127.0.0.1:${(stuck.address() as AddressInfo).port}`))
      const body = { api_key: posthog.apiKey, event: "a", distinct_id: "u_1", properties: { $is_identified: true } }
      const answer = yield* Effect.promise(() =>
        fetch(`${posthog.captureHost}/capture/`, { method: "POST", body: JSON.stringify(body) })
      )
      expect(answer.status).toBe(200)
      expect(posthog.forwarding.inFlight()).toBe(1)
    })
  )
})
