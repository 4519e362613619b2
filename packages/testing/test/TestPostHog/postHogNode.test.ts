/** What posthog-node does against the test's PostHog: the wire, and what of its promises the provider may build upon. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { PostHog } from "posthog-node"
import { PostHogBehaviour } from "../../src/TestPostHog/PostHogBehaviour.ts"
import { TestPostHog, type TestPostHogOptions } from "../../src/TestPostHog.ts"

const uuid = (last: number) => `018f0000-0000-7000-8000-${String(last).padStart(12, "0")}`
const timestamp = new Date("2026-11-20T12:00:00.123Z")

type ClientOptions = ConstructorParameters<typeof PostHog>[1] & { readonly key?: string }

/** A PostHog, and clients of it that send when they are flushed, once. */
const begin = (serverOptions?: TestPostHogOptions) =>
  Effect.map(TestPostHog.make(serverOptions), (posthog) => ({
    posthog,
    client: ({ key = posthog.apiKey, ...options }: ClientOptions = {}) =>
      new PostHog(key, {
        host: posthog.captureHost,
        flushInterval: 0,
        flushAt: 1000,
        fetchRetryCount: 0,
        fetchRetryDelay: 1,
        ...options
      })
  }))

/** What a flush ends with: undefined where all is well, else the error, which has the status if there was an answer. */
const flushed = (client: PostHog) =>
  Effect.promise(() =>
    client.flush().then(
      () => undefined,
      (error: { readonly name: string; readonly status?: number }) => ({ name: error.name, status: error.status })
    )
  )

describe("posthog-node", () => {
  it.live("sends captures, aliases and groups as one compressed batch, which makes persons and groups", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      const sender = client()
      sender.capture({
        distinctId: "a_1",
        event: "viewed",
        properties: { $set: { source: "ad" } },
        uuid: uuid(1),
        timestamp
      })
      sender.alias({ distinctId: "u_1", alias: "a_1" })
      sender.groupIdentify({ groupType: "company", groupKey: "1", properties: { seats: 3 }, distinctId: "u_1" })
      expect(yield* flushed(sender)).toBeUndefined()
      const [request, ...others] = posthog.requests()
      expect(others).toEqual([])
      expect(request).toMatchObject({ side: "capture", kind: "capture", method: "POST", path: "/batch/" })
      expect(request?.headers["content-encoding"]).toBe("gzip")
      expect(posthog.store.events()).toMatchObject([
        { uuid: uuid(1), event: "viewed", distinct_id: "a_1", timestamp: timestamp.toISOString() },
        { event: "$create_alias", distinct_id: "u_1" },
        { event: "$groupidentify", distinct_id: "u_1" }
      ])
      expect(posthog.store.person("a_1")).toMatchObject({
        distinctIds: ["a_1", "u_1"],
        properties: { source: "ad" },
        isIdentified: true
      })
      expect(posthog.store.groupProperties("company", "1")).toEqual({ seats: 3 })
    })
  )

  it.live(
    "captures an alias or a group under a uuid and a time of ours as its own methods do, which take neither",
    () =>
      Effect.gen(function* () {
        const { posthog, client } = yield* begin()
        const sender = client({ disableCompression: true })
        const group = { groupType: "company", groupKey: "1", properties: { seats: 3 }, distinctId: "u_1" }
        sender.alias({ distinctId: "u_1", alias: "a_1" })
        sender.groupIdentify(group)
        const ours = { distinctId: "u_1", timestamp }
        const alias = { distinct_id: "u_1", alias: "a_1" }
        const groupProperties = { $group_type: "company", $group_key: "1", $group_set: { seats: 3 } }
        sender.capture({ ...ours, event: "$create_alias", properties: alias, uuid: uuid(1) })
        sender.capture({ ...ours, event: "$groupidentify", properties: groupProperties, uuid: uuid(2) })
        expect(yield* flushed(sender)).toBeUndefined()
        const [theirAlias, theirGroup, ourAlias, ourGroup] = posthog.store.events()
        const stable = { timestamp: timestamp.toISOString() }
        expect(ourAlias).toEqual({ ...theirAlias, ...stable, uuid: uuid(1) })
        expect(ourGroup).toEqual({ ...theirGroup, ...stable, uuid: uuid(2) })
      })
  )

  it.live("replaces a uuid that is none without a word, and stamps its own $lib over another's", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      const sender = client()
      sender.capture({ distinctId: "u_1", event: "paid", uuid: "msg_1", properties: { $lib: "ours" } })
      yield* flushed(sender)
      const [event] = posthog.store.events()
      expect(event?.uuid).toMatch(/^[0-9a-f]{8}-/)
      expect(event?.properties).toMatchObject({ $lib: "posthog-node" })
    })
  )

  it.live("rejects the flush that is answered with an error, tells its status, and has forgotten the events", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      const sender = client()
      for (const status of [503, 400, 429]) {
        posthog.capture.next(PostHogBehaviour.fail(status, { retryAfter: 7 }))
        sender.capture({ distinctId: "u_1", event: `met ${status}` })
        expect(yield* flushed(sender)).toEqual({ name: "PostHogFetchHttpError", status })
        expect(yield* flushed(sender)).toBeUndefined()
      }
      expect(posthog.requests("capture")).toHaveLength(3)
      expect(posthog.store.events()).toEqual([])
    })
  )

  it.live("resolves captureImmediate, alas, although the event is lost", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      posthog.capture.always(PostHogBehaviour.fail(503))
      yield* Effect.promise(() => client().captureImmediate({ distinctId: "u_1", event: "paid" }))
      expect(posthog.requests("capture")).toHaveLength(1)
      expect(posthog.store.events()).toEqual([])
    })
  )

  it.live("tries again what may pass, after a delay that knows no Retry-After, and not what will not pass", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      const sender = client({ fetchRetryCount: 2 })
      posthog.capture.next(PostHogBehaviour.fail(503))
      posthog.capture.next(PostHogBehaviour.throttle(3600))
      sender.capture({ distinctId: "u_1", event: "paid" })
      expect(yield* flushed(sender)).toBeUndefined()
      expect(posthog.requests("capture")).toHaveLength(3)
      expect(posthog.store.events()).toHaveLength(1)
      const stranger = client({ fetchRetryCount: 2, key: "phc_unknown" })
      stranger.capture({ distinctId: "u_1", event: "paid" })
      expect(yield* flushed(stranger)).toEqual({ name: "PostHogFetchHttpError", status: 401 })
      expect(posthog.requests("capture")).toHaveLength(4)
    })
  )

  it.live("keeps the events where there was no answer, and sends them again under the same uuid and time", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      const sender = client()
      sender.capture({ distinctId: "u_1", event: "paid" })
      yield* posthog.stop
      expect(yield* flushed(sender)).toMatchObject({ name: "PostHogFetchNetworkError" })
      yield* posthog.start
      posthog.capture.next(PostHogBehaviour.close)
      expect(yield* flushed(sender)).toMatchObject({ name: "PostHogFetchNetworkError" })
      posthog.capture.next(PostHogBehaviour.lose)
      expect(yield* flushed(sender)).toMatchObject({ name: "PostHogFetchNetworkError" })
      expect(posthog.store.events()).toHaveLength(1)
      expect(yield* flushed(sender)).toBeUndefined()
      expect(posthog.requests("capture")).toHaveLength(3)
      expect(posthog.store.events()).toHaveLength(1)
    })
  )

  it.live("gives up on what hangs", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      posthog.capture.next(PostHogBehaviour.hang)
      const sender = client({ requestTimeout: 20 })
      sender.capture({ distinctId: "u_1", event: "paid" })
      expect(yield* flushed(sender)).toMatchObject({ name: "PostHogFetchNetworkError" })
      yield* posthog.until(() => posthog.inFlight("capture") === 0)
      expect(posthog.store.events()).toEqual([])
    })
  )

  it.live("halves a batch that is too large, down to one event, which it loses", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin({ limit: 2000 })
      const sender = client()
      for (const last of [1, 2, 3, 4]) {
        sender.capture({ distinctId: "u_1", event: "paid", uuid: uuid(last), properties: { text: "x".repeat(1000) } })
      }
      expect(yield* flushed(sender)).toBeUndefined()
      expect(posthog.store.events().map((event) => event.uuid)).toEqual([1, 2, 3, 4].map(uuid))
      expect(posthog.requests("capture")).toHaveLength(6)
      sender.capture({ distinctId: "u_1", event: "paid", properties: { text: "x".repeat(3000) } })
      expect(yield* flushed(sender)).toEqual({ name: "PostHogFetchHttpError", status: 413 })
      expect(posthog.store.events()).toHaveLength(4)
    })
  )

  it.live("takes a page of HTML for success, and follows a redirect to one without the events", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      const sender = client()
      posthog.capture.next(PostHogBehaviour.html)
      sender.capture({ distinctId: "u_1", event: "paid" })
      expect(yield* flushed(sender)).toBeUndefined()
      posthog.capture.next(PostHogBehaviour.answer({ status: 302, headers: { location: "/login" } }))
      posthog.capture.next(PostHogBehaviour.html)
      sender.capture({ distinctId: "u_1", event: "paid" })
      expect(yield* flushed(sender)).toBeUndefined()
      expect(posthog.requests().map(({ method, path }) => `${method} ${path}`)).toEqual([
        "POST /batch/",
        "POST /batch/",
        "GET /login"
      ])
      expect(posthog.store.events()).toEqual([])
    })
  )

  it.live("sends what is queued when it is shut down", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      const sender = client()
      const { behaviour, open } = PostHogBehaviour.gate()
      posthog.capture.always(behaviour)
      sender.capture({ distinctId: "u_1", event: "paid" })
      const shutdown = sender.shutdown()
      yield* posthog.until(() => posthog.inFlight("capture") === 1)
      expect(posthog.store.events()).toEqual([])
      open()
      yield* Effect.promise(() => shutdown)
      expect(posthog.store.events()).toHaveLength(1)
    })
  )

  it.live("finds no flags", () =>
    Effect.gen(function* () {
      const { posthog, client } = yield* begin()
      expect(yield* Effect.promise(() => client().getAllFlags("u_1"))).toEqual({})
      expect(posthog.requests("flags")).toHaveLength(1)
    })
  )
})
