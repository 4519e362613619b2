import { it } from "@effect/vitest"
import { AnalyticsProvider } from "@hogsend/core"
import { TestPostHog } from "@hogsend/testing"
import { Cause, Effect, Exit, Layer, Redacted } from "effect"
import { expect } from "vitest"
import { PostHog } from "../src/PostHog.ts"
import { PostHogOptionsInvalid } from "../src/PostHogOptions.ts"
import { set } from "./messages.ts"
import { printsNothing } from "./quiet.ts"

printsNothing()

it.effect("the layer is the service, which sends what was captured when its scope closes", () =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make()
    const layer = PostHog.layer({
      apiKey: Redacted.make(posthog.apiKey),
      host: posthog.captureHost,
      personalApiKey: Redacted.make(posthog.personalApiKey),
      privateHost: posthog.apiHost
    })
    yield* Effect.gen(function* () {
      const provider = yield* AnalyticsProvider
      expect(provider.capabilities).toMatchObject({ personReads: true, personWrites: true, deletePerson: true })
      yield* provider.deliver([set({ distinctId: "u_1", set: { plan: "pro" } })])
      expect(yield* provider.readPerson("u_1")).toMatchObject({ _tag: "PersonFound", properties: { plan: "pro" } })
      expect(yield* provider.readPerson("u_2")).toEqual({ _tag: "PersonNotFound" })
      yield* provider.capture({ distinctId: "visitor", event: "seen", personless: true })
    }).pipe(Effect.provide(layer))
    expect(posthog.store.events().map(({ event }) => event)).toEqual(["$set", "seen"])
    expect(posthog.store.person("visitor")).toBe(undefined)
  })
)

it.effect("options that cannot be meant are a typed failure of the layer", () =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(Effect.scoped(Layer.build(PostHog.layer({ apiKey: "phx_hidden" }))))
    const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    expect(failure).toBeInstanceOf(PostHogOptionsInvalid)
    expect(String(failure)).not.toContain("hidden")
  })
)
