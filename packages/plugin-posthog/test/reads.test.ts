/** Persons over the private API, and every way in which they cannot be had. */
import { it } from "@effect/vitest"
import { PersonReadUnavailable } from "@hogsend/core"
import { PostHogBehaviour, TestPostHog } from "@hogsend/testing"
import { Effect, Redacted } from "effect"
import { describe, expect } from "vitest"
import { createPostHogProvider } from "../src/createPostHogProvider.ts"
import type { PostHogOptions } from "../src/PostHogOptions.ts"
import { rejection, set } from "./messages.ts"
import { printsNothing } from "./quiet.ts"

printsNothing()

const both = (posthog: TestPostHog["Service"]) => ({
  apiKey: posthog.apiKey,
  host: posthog.captureHost,
  privateHost: posthog.apiHost,
  personalApiKey: posthog.personalApiKey,
  requestTimeout: 2000
})

/** A PostHog that knows `u_1`, and a provider that reads there. */
const known = (options: PostHogOptions = {}) =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make()
    yield* Effect.promise(async () =>
      createPostHogProvider(both(posthog)).deliver?.([set({ distinctId: "u_1", set: { plan: "pro" } })])
    )
    const provider = createPostHogProvider({ ...both(posthog), ...options })
    return { posthog, provider, read: (distinctId: string) => provider.getPersonProperties(distinctId) }
  })

const reasonOf = (read: () => Promise<unknown>) =>
  Effect.map(rejection(read), (failure) => {
    expect(failure).toBeInstanceOf(PersonReadUnavailable)
    expect(String((failure as PersonReadUnavailable).error)).not.toMatch(/u_1|phx_|phc_/)
    return (failure as PersonReadUnavailable).reason
  })

describe("A read", () => {
  it.effect("finds a person with the personal key alone, and null where nobody is", () =>
    Effect.gen(function* () {
      const { posthog } = yield* known()
      const reader = createPostHogProvider({
        host: posthog.captureHost,
        privateHost: posthog.apiHost,
        personalApiKey: Redacted.make(posthog.personalApiKey)
      })
      expect(yield* Effect.promise(() => reader.getPersonProperties("u_1"))).toMatchObject({ plan: "pro" })
      expect(yield* Effect.promise(() => reader.getPersonProperties("u_2"))).toBe(null)
      expect(posthog.requests("persons")[0]).toMatchObject({
        method: "GET",
        path: "/api/environments/17/persons/?distinct_id=u_1",
        headers: { authorization: `Bearer ${posthog.personalApiKey}`, accept: "application/json" }
      })
    })
  )

  it.effect("asks for the id as it is, whatever characters it has", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known()
      const id = "a&distinct_id=u_1#/../ü"
      expect(yield* Effect.promise(() => read(id))).toBe(null)
      const asked = new URL(posthog.requests("persons")[0]?.path ?? "", posthog.apiHost)
      expect(asked.searchParams.getAll("distinct_id")).toEqual([id])
    })
  )

  it.effect("has no credential without a personal key, and asks nobody", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known({ personalApiKey: undefined })
      expect(yield* reasonOf(() => read("u_1"))).toBe("no-credential")
      expect(posthog.mostInFlight("api")).toBe(0)
    })
  )

  it.effect("is unauthorized with a revoked key, and with one that lacks a scope", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known()
      posthog.allowKey(posthog.personalApiKey, ["project:read"])
      expect(yield* reasonOf(() => read("u_1"))).toBe("unauthorized")
      posthog.revokeKey(posthog.personalApiKey)
      expect(yield* reasonOf(() => read("u_1"))).toBe("unauthorized")
    })
  )

  // To where the answer is.
  const location = "/api/environments/17/persons/?distinct_id=u_1"
  const redirect = PostHogBehaviour.answer({ status: 302, headers: { location } })
  for (const [name, behaviour, reason] of [
    ["throttled", PostHogBehaviour.throttle(), "rate-limited"],
    ["answered with 500", PostHogBehaviour.fail(500), "bad-response"],
    ["answered with HTML", PostHogBehaviour.html, "bad-response"],
    ["answered with half a JSON", PostHogBehaviour.notJson, "bad-response"],
    ["answered in another shape", PostHogBehaviour.wrongShape, "bad-response"],
    ["redirected", redirect, "bad-response"],
    ["cut off", PostHogBehaviour.close, "unreachable"]
  ] as const) {
    it.effect(`is ${reason} when it is ${name}, is not tried again, and works the next time`, () =>
      Effect.gen(function* () {
        const { posthog, read } = yield* known({ projectId: 17 })
        posthog.api.next(behaviour)
        expect(yield* reasonOf(() => read("u_1"))).toBe(reason)
        expect(posthog.requests("persons").length).toBe(1)
        expect(yield* Effect.promise(() => read("u_1"))).toMatchObject({ plan: "pro" })
      })
    )
  }

  it.effect("takes a timeout when nobody answers", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known({ requestTimeout: 20 })
      posthog.api.always(PostHogBehaviour.hang)
      expect(yield* reasonOf(() => read("u_1"))).toBe("timeout")
    })
  )

  it.effect("is unreachable where nobody listens", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known()
      yield* posthog.stop
      expect(yield* reasonOf(() => read("u_1"))).toBe("unreachable")
    })
  )

  it.effect("of a project that is not there is a bad response", () =>
    Effect.gen(function* () {
      const { read } = yield* known({ projectId: "18/../17" })
      expect(yield* reasonOf(() => read("u_1"))).toBe("bad-response")
    })
  )
})

describe("The project", () => {
  it.effect("is asked for once by 50 reads at a time, and never again", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known()
      const { behaviour, open } = PostHogBehaviour.gate()
      posthog.api.next(behaviour)
      const reads = Array.from({ length: 50 }, () => read("u_1"))
      yield* posthog.until(() => posthog.inFlight("api") === 1)
      open()
      yield* Effect.promise(() => Promise.all(reads))
      yield* Effect.promise(() => read("u_1"))
      expect(posthog.requests("project").length).toBe(1)
      expect(posthog.requests("persons").length).toBe(51)
    })
  )

  it.effect("is asked for again when that failed", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known()
      posthog.api.next(PostHogBehaviour.throttle())
      expect(yield* reasonOf(() => read("u_1"))).toBe("rate-limited")
      expect(yield* Effect.promise(() => read("u_1"))).toMatchObject({ plan: "pro" })
      expect(posthog.requests("project").length).toBe(2)
    })
  )

  it.effect("is not asked for when it is named", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known({ projectId: 17 })
      expect(yield* Effect.promise(() => read("u_1"))).toMatchObject({ plan: "pro" })
      expect(posthog.requests("project")).toEqual([])
    })
  )

  it.effect("is not the one that events go to: then nothing is read of it", () =>
    Effect.gen(function* () {
      const { posthog, read } = yield* known({ apiKey: "phc_of_another_project" })
      expect(yield* reasonOf(() => read("u_1"))).toBe("bad-response")
      expect(posthog.requests("persons")).toEqual([])
    })
  )
})
