/** `hogsend doctor` of a server that is connected with a PostHog: its two keys, and an event around the loop. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { posthog as posthogSource } from "@hogsend/engine"
import { createPostHogProvider, type PostHogOptions } from "@hogsend/plugin-posthog"
import { TestDatabase, TestHogsend, TestPostHog } from "@hogsend/testing"
import { Effect, Layer, Logger, Redacted, Schedule } from "effect"
import { checkOf, doctored, expectHealthy, expectOnly } from "./runDoctor.ts"

const secret = "a-secret-of-the-webhook"

/** Whom the events around the loop are of. */
const madeUp = /hogsend-loop-test-[\w-]+/g

/** A server that is connected with this PostHog by these keys. */
const connected = (posthog: TestPostHog["Service"], keys: Pick<PostHogOptions, "apiKey" | "personalApiKey"> = {}) =>
  Layer.build(
    TestHogsend.connectedLayer({
      analytics: {
        provider: createPostHogProvider({
          apiKey: posthog.apiKey,
          personalApiKey: posthog.personalApiKey,
          host: posthog.captureHost,
          privateHost: posthog.apiHost,
          flushAt: 1,
          ...keys
        })
      },
      analyticsLoop: { publicUrl: "https://hogsend.example", webhookSecret: Redacted.make(secret) },
      webhookSources: { sources: [posthogSource({ secret })] },
      destinationQueue: { slots: 8, interval: 20 }
    }).pipe(Layer.provideMerge(TestDatabase.layer), Layer.provide(Logger.layer([])), Layer.orDie)
  )

const ask = (...args: ReadonlyArray<string>) =>
  Effect.flatMap(TestHogsend, ({ secret, url }) => doctored(["--url", url, "--admin-key", secret, ...args]))

/** Makes the webhook, and lets it post to where the server is in truth. */
const provisioned = (posthog: TestPostHog["Service"]) =>
  Effect.gen(function* () {
    const { asServer, url } = yield* TestHogsend
    const { body } = yield* asServer("POST", "/v1/admin/analytics/provision-loop")
    const id = String(body.hogFunctionId)
    const inputs = posthog.hogFunctions.get(id)?.inputs
    posthog.hogFunctions.change(id, { inputs: { ...inputs, url: { value: `${url}/v1/webhooks/posthog` } } })
    return id
  })

describe("A server with PostHog", () => {
  it.live(
    "is healthy when both keys are good, and an event goes around the loop and leaves nobody behind",
    () =>
      Effect.gen(function* () {
        const posthog = yield* TestPostHog.make()
        const context = yield* connected(posthog)
        yield* Effect.provide(
          Effect.gen(function* () {
            const id = yield* provisioned(posthog)
            expectHealthy(yield* ask(), ["loop"])

            const found = yield* ask("--loop")
            expectHealthy(found, [])
            expect(checkOf(found, "loop")?.detail).toMatch(/came back after \d+\.\d seconds/)
            expect(JSON.stringify(found)).not.toMatch(/a-secret|ph[cx]_test/)
            const sql = yield* PgClient.PgClient
            expect(yield* sql`select id from hogsend.contacts`).toEqual([])
            expect(yield* sql`select id from hogsend.events`).toEqual([])
            // The person in PostHog is deleted by a message of the queue.
            const left = Effect.sync(() => posthog.store.persons().length)
            expect(
              yield* Effect.repeat(left, { until: (count) => count === 0, schedule: Schedule.spaced(20), times: 250 })
            ).toBe(0)

            posthog.hogFunctions.change(id, { enabled: false })
            const lost = yield* ask("--loop", "--loop-timeout", "1")
            expectOnly(lost, "loop", /had not come back after 1 seconds/, /Look at the webhook in PostHog/)
            expect(yield* sql`select id from hogsend.contacts`).toEqual([])
            // It comes after all, of a person who was erased.
            const { request } = yield* TestHogsend
            const sent = posthog.requests().flatMap(({ body }) => JSON.stringify(body ?? "").match(madeUp) ?? [])
            const late = yield* request("POST", "/v1/webhooks/posthog", {
              headers: { "x-posthog-webhook-secret": secret },
              body: { event: { event: "hogsend_loop_test", distinct_id: sent.at(-1) ?? "" } }
            })
            expect(late.body).toEqual({ ok: true, results: [{ status: "duplicate" }] })
            expect(yield* sql`select id from hogsend.contacts`).toEqual([])
            expect(yield* sql`select id from hogsend.events`).toEqual([])
          }),
          context
        )
      }),
    30_000
  )

  it.live(
    "whose personal key is wrong, or was revoked a moment ago",
    () =>
      Effect.gen(function* () {
        const posthog = yield* TestPostHog.make()
        const context = yield* connected(posthog, { personalApiKey: "phx_wrong" })
        const found = yield* Effect.provide(ask(), context)
        const seen = /could not be read just now: unauthorized/
        expectOnly(found, "analytics-reads", seen, /POSTHOG_PERSONAL_API_KEY/)

        const good = yield* connected(posthog)
        expectHealthy(yield* Effect.provide(ask(), good), ["loop"])
        posthog.revokeKey(posthog.personalApiKey)
        expectOnly(yield* Effect.provide(ask(), good), "analytics-reads", seen, /POSTHOG_PERSONAL_API_KEY/)
      }),
    30_000
  )

  it.live(
    "whose project key is wrong",
    () =>
      Effect.gen(function* () {
        const posthog = yield* TestPostHog.make()
        const context = yield* connected(posthog, { apiKey: "phc_wrong" })
        yield* Effect.provide(
          Effect.gen(function* () {
            const { asServer, request } = yield* TestHogsend
            yield* asServer("PUT", "/v1/contacts", { userId: "u_1", anonymousId: "a_1" })
            yield* request("GET", "/v1/health").pipe(
              Effect.repeat({
                until: ({ body }) => body.components.analytics.lastWriteError !== null,
                schedule: Schedule.spaced(20),
                times: 250
              })
            )
            expectOnly(yield* ask(), "analytics-writes", /The last write failed at .*unauthorized/, /POSTHOG_API_KEY/)
          }),
          context
        )
      }),
    30_000
  )
})
