/** What must arrive: a batch is there, or it is refused and comes again as the same. */
import { it } from "@effect/vitest"
import { type AnalyticsMessage, AnalyticsMessagesRefused } from "@hogsend/core"
import { PostHogBehaviour, TestPostHog, type TestPostHogOptions } from "@hogsend/testing"
import { Effect } from "effect"
import { afterEach, describe, expect, vi } from "vitest"
import { createPostHogProvider } from "../src/createPostHogProvider.ts"
import type { PostHogOptions } from "../src/PostHogOptions.ts"
import { group, merge, rejection, remove, set } from "./messages.ts"
import { printsNothing } from "./quiet.ts"

printsNothing()
afterEach(() => {
  vi.unstubAllEnvs()
})

const connected = (options: PostHogOptions = {}, server?: TestPostHogOptions) =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make(server)
    const provider = createPostHogProvider({
      apiKey: posthog.apiKey,
      host: posthog.captureHost,
      privateHost: posthog.apiHost,
      personalApiKey: posthog.personalApiKey,
      ...options
    })
    const deliver = async (...messages: ReadonlyArray<AnalyticsMessage>) => provider.deliver?.(messages)
    const delivered = (...messages: ReadonlyArray<AnalyticsMessage>) => Effect.promise(() => deliver(...messages))
    const refused = (...messages: ReadonlyArray<AnalyticsMessage>) =>
      Effect.map(
        rejection(() => deliver(...messages)),
        (failure) => {
          expect(failure).toBeInstanceOf(AnalyticsMessagesRefused)
          expect((failure as AnalyticsMessagesRefused).error).not.toMatch(/u_1|phx_|phc_/)
          return failure as AnalyticsMessagesRefused
        }
      )
    return { posthog, provider, deliver, delivered, refused }
  })

describe("Delivered", () => {
  it.effect("changes set, set once and unset what a person has", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      yield* delivered(set({ distinctId: "u_1", set: { plan: "free", seats: 3 }, setOnce: { source: "ad" } }))
      yield* delivered(
        set({ distinctId: "u_1", set: { plan: "pro" }, setOnce: { source: "mail" }, unset: ["seats"] }),
        set({ distinctId: "u_2" })
      )
      expect(posthog.store.person("u_1")?.properties).toMatchObject({ plan: "pro", source: "ad" })
      expect(posthog.store.person("u_1")?.properties).not.toHaveProperty("seats")
      expect(posthog.store.person("u_2")).toBe(undefined)
    })
  )

  it.effect("merges join two ids into the one that survives, and nobody is ever identified by an event", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      yield* delivered(
        set({ distinctId: "anon", set: { city: "Oslo", plan: "none" } }),
        set({ distinctId: "u_1", set: { plan: "pro" } }),
        merge({ distinctId: "u_1", alias: "anon" })
      )
      expect(posthog.store.persons().length).toBe(1)
      expect(posthog.store.person("anon")?.properties).toMatchObject({ city: "Oslo", plan: "pro" })
      expect(posthog.store.person("anon")?.distinctIds[0]).toBe("u_1")
      expect(posthog.store.events().map(({ event }) => event)).toEqual(["$set", "$set", "$create_alias"])
    })
  )

  it.effect("group changes set what a group has", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      yield* delivered(group({ groupType: "company", groupKey: "acme", properties: { tier: "gold" } }))
      expect(posthog.store.groupProperties("company", "acme")).toEqual({ tier: "gold" })
    })
  )

  it.effect("events carry no address of ours as the person's", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      yield* delivered(
        set({ distinctId: "u_1", set: { a: 1 } }),
        merge({ distinctId: "u_1", alias: "anon" }),
        group({ groupType: "company", groupKey: "acme", properties: {} })
      )
      expect(posthog.store.events().map(({ properties }) => properties)).toEqual(
        Array.from({ length: 3 }, () => expect.objectContaining({ $geoip_disable: true }))
      )
    })
  )

  it.effect("a batch is one compressed request, in order", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      const messages = Array.from({ length: 250 }, (_, index) => set({ distinctId: "u_1", set: { index } }))
      yield* delivered(...messages)
      expect(posthog.requests().length).toBe(1)
      expect(posthog.requests("capture")[0]?.headers["content-encoding"]).toBe("gzip")
      expect(posthog.store.events().map(({ uuid }) => `msg_${uuid}`)).toEqual(messages.map(({ id }) => id))
    })
  )

  it.effect("a batch that PostHog finds too large arrives in parts", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected({}, { limit: 4096 })
      const messages = Array.from({ length: 64 }, (_, index) => set({ distinctId: "u_1", set: { index } }))
      yield* delivered(...messages)
      expect(posthog.store.events().map(({ uuid }) => `msg_${uuid}`)).toEqual(messages.map(({ id }) => id))
    })
  )

  it.effect("nothing is nothing, with a key and without", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      yield* delivered()
      yield* delivered(set({ distinctId: "u_1", set: {}, setOnce: {}, unset: [] }))
      const without = createPostHogProvider({ host: posthog.captureHost, privateHost: posthog.apiHost })
      yield* Effect.promise(async () => {
        await without.deliver?.([set({ distinctId: "u_1", set: { a: 1 } }), remove("u_1")])
        await without.setPersonProperties({ distinctId: "u_1", set: { a: 1 } })
        await without.mergeIdentities?.({ distinctId: "u_1", alias: "anon" })
        await without.groupIdentify?.({ groupType: "company", groupKey: "acme" })
        await without.capture({ distinctId: "u_1", event: "seen" })
        await without.shutdown?.()
      })
      expect(posthog.requests()).toEqual([])
    })
  )

  it.effect("single changes arrive, each under an id of its own", () =>
    Effect.gen(function* () {
      const { posthog, provider } = yield* connected()
      yield* Effect.promise(async () => {
        await provider.setPersonProperties({ distinctId: "u_1", set: { plan: "pro" } })
        await provider.setPersonProperties({ distinctId: "u_1", set: { plan: "pro" } })
        await provider.mergeIdentities?.({ distinctId: "u_1", alias: "anon" })
        await provider.groupIdentify?.({ groupType: "company", groupKey: "acme", properties: { tier: "gold" } })
      })
      expect(posthog.store.person("anon")?.properties).toMatchObject({ plan: "pro" })
      expect(posthog.store.groupProperties("company", "acme")).toEqual({ tier: "gold" })
      expect(new Set(posthog.store.events().map(({ uuid }) => uuid)).size).toBe(4)
    })
  )
})

describe("Refused", () => {
  it.effect("a batch comes back with the status and what Retry-After said, after one attempt", () =>
    Effect.gen(function* () {
      const { posthog, refused } = yield* connected()
      posthog.capture.next(PostHogBehaviour.fail(503, { retryAfter: 120 }))
      const message = set({ distinctId: "u_1", set: { a: 1 } })
      expect(yield* refused(message)).toMatchObject({ status: 503, retryAfter: "120" })
      posthog.capture.next(PostHogBehaviour.fail(429, { retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT" }))
      expect(yield* refused(message)).toMatchObject({ status: 429, retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT" })
      posthog.capture.next(PostHogBehaviour.fail(500))
      expect(yield* refused(message)).toMatchObject({ status: 500, retryAfter: null })
      expect(posthog.requests().length).toBe(3)
    })
  )

  it.effect("it is by a key that PostHog does not know, by a message that is too large, and by a redirect", () =>
    Effect.gen(function* () {
      const unknown = yield* connected({ apiKey: "phc_unknown" })
      const { posthog, refused } = yield* connected({}, { limit: 2000 })
      const message = set({ distinctId: "u_1", set: { text: "x".repeat(3000) } })
      expect((yield* unknown.refused(message)).status).toBe(401)
      expect((yield* refused(message)).status).toBe(413)
      // To a place that would answer a GET well.
      posthog.capture.next(PostHogBehaviour.answer({ status: 301, headers: { location: "/flags" } }))
      expect((yield* refused(set({ distinctId: "u_1", set: { a: 1 } }))).status).toBe(301)
      expect(posthog.requests("flags")).toEqual([])
    })
  )

  it.effect("there is no status where nobody answers", () =>
    Effect.gen(function* () {
      const { posthog, refused } = yield* connected()
      const message = set({ distinctId: "u_1", set: { a: 1 } })
      posthog.capture.next(PostHogBehaviour.close)
      expect(yield* refused(message)).toMatchObject({ status: null, error: expect.stringContaining("reached") })
      const hasty = yield* connected({ requestTimeout: 20 })
      hasty.posthog.capture.always(PostHogBehaviour.hang)
      expect(yield* hasty.refused(message)).toMatchObject({ status: null, error: expect.stringContaining("in time") })
      yield* posthog.stop
      expect(yield* refused(message)).toMatchObject({ status: null, error: expect.stringContaining("reached") })
    })
  )

  it.effect("a batch comes again under the same ids and times, which PostHog knows it by", () =>
    Effect.gen(function* () {
      const { posthog, delivered, refused } = yield* connected()
      const messages = [
        set({ distinctId: "u_1", set: { a: 1 } }),
        merge({ distinctId: "u_1", alias: "anon" }),
        group({ groupType: "company", groupKey: "acme", properties: {} })
      ]
      posthog.capture.next(PostHogBehaviour.lose)
      yield* refused(...messages)
      yield* delivered(...messages)
      expect(posthog.requests("capture").length).toBe(2)
      expect(posthog.store.events().map(({ uuid, timestamp }) => [`msg_${uuid}`, timestamp])).toEqual(
        messages.map(({ id, timestamp }) => [id, timestamp])
      )
      const sent = posthog.requests("capture").map(({ body }) => (body as { batch: ReadonlyArray<unknown> }).batch)
      expect(sent[1]).toEqual(sent[0])
    })
  )

  it.effect("a batch is nothing to another one", () =>
    Effect.gen(function* () {
      const { posthog, delivered, refused } = yield* connected()
      const gate = PostHogBehaviour.gate()
      posthog.capture.next((honest) => gate.behaviour(honest).then(() => PostHogBehaviour.fail(503)(honest)))
      const first = refused(set({ distinctId: "u_1", set: { a: 1 } }))
      const second = Effect.gen(function* () {
        yield* posthog.until(() => posthog.inFlight("capture") === 1)
        yield* delivered(set({ distinctId: "u_2", set: { a: 1 } }))
        gate.open()
      })
      const [failure] = yield* Effect.all([first, second], { concurrency: "unbounded" })
      expect(failure.status).toBe(503)
      expect(posthog.store.person("u_2")?.properties).toMatchObject({ a: 1 })
    })
  )

  it.effect("it is, too, where the environment has posthog-node speak its next protocol", () =>
    Effect.gen(function* () {
      vi.stubEnv("POSTHOG_CAPTURE_MODE", "v1")
      const { refused } = yield* connected()
      yield* refused(set({ distinctId: "u_1", set: { a: 1 } }))
    })
  )
})

describe("A deletion", () => {
  it.effect("deletes the person under each id, with what they did, and nobody else", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      yield* delivered(
        merge({ distinctId: "u_1", alias: "anon" }),
        set({ distinctId: "other", set: { a: 1 } }),
        set({ distinctId: "u_2", set: { a: 1 } })
      )
      yield* delivered(remove("u_1", "anon", "other", "nobody"))
      expect(posthog.store.persons().map(({ distinctIds }) => distinctIds)).toEqual([["u_2"]])
      expect(posthog.store.events().map(({ distinct_id }) => distinct_id)).toEqual(["u_2"])
    })
  )

  it.effect("stands in the order of its batch", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected()
      yield* delivered(
        set({ distinctId: "u_1", set: { before: true } }),
        remove("u_1"),
        set({ distinctId: "u_1", set: { after: true } })
      )
      expect(posthog.store.person("u_1")?.properties).toMatchObject({ after: true })
      expect(posthog.store.person("u_1")?.properties).not.toHaveProperty("before")
    })
  )

  it.effect("of somebody who is deleted meanwhile is done", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected({ projectId: 17, deleteEvents: false })
      yield* delivered(set({ distinctId: "u_1", set: { a: 1 } }))
      posthog.api.next(PostHogBehaviour.honest)
      posthog.api.next(PostHogBehaviour.fail(404))
      yield* delivered(remove("u_1"))
      expect(posthog.requests("persons").at(-1)).toMatchObject({
        method: "DELETE",
        path: expect.not.stringContaining("delete_events")
      })
    })
  )

  it.effect("is refused with the status, and works for the single method as well", () =>
    Effect.gen(function* () {
      const { posthog, provider, delivered, refused } = yield* connected({ projectId: 17 })
      yield* delivered(set({ distinctId: "u_1", set: { a: 1 } }))
      posthog.allowKey(posthog.personalApiKey, ["person:read"])
      expect((yield* refused(remove("u_1"))).status).toBe(403)
      posthog.api.next(PostHogBehaviour.throttle(7))
      expect(yield* refused(remove("u_1"))).toMatchObject({ status: 429, retryAfter: "7" })
      posthog.allowKey(posthog.personalApiKey, ["person:write"])
      yield* Effect.promise(async () => provider.deletePerson?.("u_1"))
      expect(posthog.store.persons()).toEqual([])
    })
  )

  it.effect("without a personal key does nothing, and what is beside it arrives", () =>
    Effect.gen(function* () {
      const { posthog, delivered } = yield* connected({ personalApiKey: undefined })
      yield* delivered(remove("u_1"), set({ distinctId: "u_1", set: { a: 1 } }))
      expect(posthog.store.person("u_1")?.properties).toMatchObject({ a: 1 })
    })
  )
})
