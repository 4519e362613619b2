/** What is captured: at once for the caller, whatever becomes of it. */
import { it } from "@effect/vitest"
import { PostHogBehaviour, TestPostHog } from "@hogsend/testing"
import { Effect, Schedule } from "effect"
import { describe, expect } from "vitest"
import { createPostHogProvider } from "../src/createPostHogProvider.ts"
import type { PostHogOptions } from "../src/PostHogOptions.ts"
import { QuietPostHog } from "../src/QuietPostHog.ts"
import { rejection } from "./messages.ts"
import { printsNothing } from "./quiet.ts"

printsNothing()

const connected = (options: PostHogOptions = {}) =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make()
    const provider = createPostHogProvider({
      apiKey: posthog.apiKey,
      host: posthog.captureHost,
      retryDelay: 1,
      ...options
    })
    const shutdown = Effect.promise(async () => provider.shutdown?.())
    const capture = (event: string, properties?: Readonly<Record<string, unknown>>) =>
      provider.capture({ distinctId: "u_1", event, ...(properties && { properties }) })
    const names = () => posthog.store.events().map(({ event }) => event)
    return { posthog, provider, capture, shutdown, names }
  })

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `event ${index}`)

describe("A capture", () => {
  it.effect("arrives with its properties and groups", () =>
    Effect.gen(function* () {
      const { posthog, provider, shutdown } = yield* connected()
      provider.capture({
        distinctId: "u_1",
        event: "seat added",
        properties: { seats: 3n },
        groups: { company: "acme" }
      })
      yield* shutdown
      expect(posthog.store.events()).toMatchObject([
        {
          event: "seat added",
          distinct_id: "u_1",
          properties: { seats: "3", $groups: { company: "acme" } }
        }
      ])
      expect(posthog.requests("capture")[0]?.headers["content-encoding"]).toBe("gzip")
      expect(posthog.store.person("u_1")).toBeDefined()
    })
  )

  it.effect("of nobody in particular makes no person", () =>
    Effect.gen(function* () {
      const { posthog, provider, shutdown } = yield* connected()
      provider.capture({ distinctId: "visitor", event: "seen", properties: { $set: { a: 1 } }, personless: true })
      provider.capture({ distinctId: "u_1", event: "seen", personless: false })
      yield* shutdown
      expect(posthog.store.persons().map(({ distinctIds }) => distinctIds)).toEqual([["u_1"]])
      expect(posthog.store.events().length).toBe(2)
    })
  )

  it.effect("is what it was when it was captured, and one that is no JSON takes no other with it", () =>
    Effect.gen(function* () {
      const { posthog, capture, shutdown } = yield* connected()
      const changing = { plan: "free" }
      capture("first", changing)
      changing.plan = "pro"
      const circular: Record<string, unknown> = {}
      circular["self"] = circular
      capture("circular", circular)
      const throwing = (): unknown => {
        throw new Error("no JSON")
      }
      capture("nested", { inside: { toJSON: throwing } })
      capture("getter", Object.defineProperty({}, "plan", { enumerable: true, get: throwing }))
      capture("last")
      yield* shutdown
      expect(posthog.store.events().map(({ event, properties }) => [event, properties["plan"]])).toEqual([
        ["first", "free"],
        ["last", undefined]
      ])
    })
  )

  it.effect("is sent without a shutdown, when there are enough or it waited long enough", () =>
    Effect.gen(function* () {
      const many = yield* connected({ flushAt: 3, flushInterval: 3_600_000 })
      for (const name of numbered(3)) many.capture(name)
      yield* many.posthog.until(() => many.names().length === 3)
      const late = yield* connected({ flushInterval: 5 })
      late.capture("seen")
      yield* late.posthog.until(() => late.names().length === 1)
    })
  )

  it.effect("is tried again", () =>
    Effect.gen(function* () {
      const { posthog, capture, names } = yield* connected({ flushAt: 1 })
      posthog.capture.next(PostHogBehaviour.fail(503), 2)
      posthog.capture.next(PostHogBehaviour.close)
      capture("seen")
      yield* posthog.until(() => names().length === 1)
    })
  )
})

describe("A shutdown", () => {
  it.effect("sends everything that was captured, however slow PostHog is", () =>
    Effect.gen(function* () {
      const { posthog, capture, shutdown, names } = yield* connected({ shutdownTimeout: 3_600_000 })
      const gate = PostHogBehaviour.gate()
      posthog.capture.next(gate.behaviour, 5)
      for (const name of numbered(5000)) capture(name)
      const opened = Effect.andThen(
        posthog.until(() => posthog.inFlight("capture") > 0),
        Effect.sync(gate.open)
      )
      yield* Effect.all([shutdown, opened], { concurrency: "unbounded" })
      expect(names()).toEqual(numbered(5000))
      capture("too late")
      yield* shutdown
      expect(names().length).toBe(5000)
    })
  )

  it.effect("waits no longer than it may", () =>
    Effect.gen(function* () {
      const { posthog, capture, shutdown } = yield* connected({ shutdownTimeout: 1 })
      posthog.capture.always(PostHogBehaviour.hang)
      capture("seen")
      yield* shutdown
      expect(posthog.store.events()).toEqual([])
    })
  )

  it.effect("ends what would be tried for long", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      posthog.capture.always(PostHogBehaviour.fail(503))
      const options = { host: posthog.captureHost, fetchRetryCount: 1_000_000, fetchRetryDelay: 1 }
      const client = new QuietPostHog(posthog.apiKey, options)
      client.capture({ distinctId: "u_1", event: "seen" })
      const flush = rejection(() => client.flush())
      const giveUp = Effect.andThen(
        posthog.until(() => posthog.requests().length > 3),
        Effect.sync(() => client.giveUp())
      )
      yield* Effect.all([flush, giveUp], { concurrency: "unbounded" })
    })
  )
})

describe("Where PostHog is dead", () => {
  for (const [name, behaviour] of [
    ["fails", PostHogBehaviour.fail(503)],
    ["closes", PostHogBehaviour.close],
    ["does not know the key", PostHogBehaviour.fail(401)],
    ["answers rubbish", PostHogBehaviour.fail(302)]
  ] as const) {
    it.effect(`since it ${name}, captures and the shutdown come to their end, and nobody hears of it`, () =>
      Effect.gen(function* () {
        const { posthog, capture, shutdown } = yield* connected({ flushAt: 2 })
        posthog.capture.always(behaviour)
        for (const event of numbered(100)) expect(capture(event)).toBe(undefined)
        yield* posthog.until(() => posthog.requests().length > 0)
        yield* shutdown
        expect(posthog.store.events()).toEqual([])
      })
    )
  }

  it.live("the provider tells how the last sending failed, until one is answered with success", () =>
    Effect.gen(function* () {
      const { posthog, provider, capture, names } = yield* connected({ flushAt: 1, retryCount: 0, requestTimeout: 200 })
      const ends = (reason: string | null) =>
        Effect.repeat(
          Effect.sync(() => provider.lastWriteError?.reason ?? null),
          { until: (now) => now === reason, schedule: Schedule.spaced("5 millis") }
        )
      yield* ends(null)
      for (const [behaviour, reason] of [
        [PostHogBehaviour.fail(401), "unauthorized"],
        [PostHogBehaviour.fail(503), "bad-response"],
        [PostHogBehaviour.close, "unreachable"],
        [PostHogBehaviour.hang, "timeout"]
      ] as const) {
        posthog.capture.always(behaviour)
        capture("lost")
        yield* ends(reason)
      }
      posthog.capture.heal()
      capture("seen")
      yield* ends(null)
      expect(names()).toContain("seen")
    })
  )

  it.effect("since nobody listens, what fits in the queue is kept, and the rest is lost", () =>
    Effect.gen(function* () {
      const { posthog, capture, shutdown, names } = yield* connected({ maxQueueSize: 50, flushAt: 50, retryCount: 0 })
      yield* posthog.stop
      for (const event of numbered(200)) capture(event)
      yield* Effect.promise(() => new Promise(setImmediate))
      yield* posthog.start
      yield* shutdown
      expect(names()).toEqual(numbered(200).slice(-50))
    })
  )
})
