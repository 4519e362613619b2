/** The loop's routes with the real plugin against a PostHog: from the request of an operator to the event that comes back. */
import { describe, expect, it } from "@effect/vitest"
import { TestHogsend, TestPostHog } from "@hogsend/testing"
import { Effect, Layer, Logger, Redacted } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createPostHogProvider } from "../src/createPostHogProvider.ts"

const secret = "a-secret-of-the-webhook"
const path = "/v1/admin/analytics/provision-loop"

const logged: Array<string> = []
const logger = Logger.layer([
  Logger.make(({ cause, message }) => {
    logged.push(JSON.stringify([message, cause]))
  })
])

/** A server that has a provider for this PostHog. */
const hogsend = (posthog: TestPostHog["Service"]) =>
  TestHogsend.layer({
    analytics: {
      provider: createPostHogProvider({
        apiKey: posthog.apiKey,
        host: posthog.captureHost,
        privateHost: posthog.apiHost,
        personalApiKey: posthog.personalApiKey
      })
    },
    analyticsLoop: { publicUrl: "https://api.example.com", webhookSecret: Redacted.make(secret) }
  }).pipe(Layer.provide(logger))

describe("An operator", () => {
  it.live(
    "has the webhook made, asks again, and learns what is wrong; no secret is in an answer or a log",
    () =>
      Effect.gen(function* () {
        const posthog = yield* TestPostHog.make()
        const context = yield* Layer.build(hogsend(posthog))
        const { asServer } = yield* Effect.provide(TestHogsend, context)
        const info = yield* asServer("GET", "/v1/admin/analytics/connect-info")
        expect(info.body).toEqual({
          providerId: "posthog",
          analyticsConfigured: true,
          personReadFailure: null,
          privateHost: posthog.apiHost,
          hostExplicit: true,
          projectIdHint: null,
          personalKeyConfigured: true,
          scopeGap: [],
          webhookSecretConfigured: true,
          apiPublicUrl: "https://api.example.com"
        })
        const created = yield* asServer("POST", path)
        const webhookUrl = "https://api.example.com/v1/webhooks/posthog"
        expect(created).toMatchObject({ status: 200, body: { created: true, action: "created", webhookUrl } })
        const again = yield* asServer("POST", path)
        expect(again.body).toEqual({ ...created.body, created: false, action: "unchanged" })
        expect(created.body.others).toEqual([])
        posthog.allowKey(posthog.personalApiKey, ["project:read"])
        const refused = yield* asServer("POST", path)
        expect(refused).toMatchObject({ status: 502, body: { _tag: "LoopNotProvisioned", reason: "missing-scope" } })
        const told = JSON.stringify([info, created, again, refused].map(({ body }) => body)) + logged.join("\n")
        expect(told).not.toMatch(/a-secret|phx_test|phc_test/)
        const kept = yield* asServer("GET", "/v1/admin/audit-logs?limit=100")
        expect(JSON.stringify(kept.body)).not.toMatch(/a-secret|phx_test|phc_test/)
      }),
    30_000
  )

  it.live("gets the events of identified persons posted, with the secret, and no others", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const received: Array<{ readonly secret: unknown; readonly body: unknown }> = []
      const source = createServer(async (request, response) => {
        const text = Buffer.concat(await request.toArray()).toString()
        received.push({ secret: request.headers["x-posthog-webhook-secret"], body: JSON.parse(text) })
        response.end()
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void source.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.sync(() => void source.close())
      )
      const { port } = source.address() as AddressInfo
      const provider = createPostHogProvider({
        apiKey: posthog.apiKey,
        host: posthog.captureHost,
        privateHost: posthog.apiHost,
        personalApiKey: posthog.personalApiKey
      })
      const webhookUrl = `http://127.0.0.1:${port}/v1/webhooks/posthog`
      yield* Effect.promise(async () =>
        provider.loop?.provision({ webhookUrl, secret, installationId: "ours", placeholder: false })
      )
      // Ours, a visitor's, and a user's.
      yield* Effect.promise(() => provider.setPersonProperties({ distinctId: "u_1", set: { plan: "pro" } }))
      for (const properties of [{}, { $is_identified: false }, { $is_identified: true }]) {
        const body = { api_key: posthog.apiKey, event: "viewed", distinct_id: "u_1", properties }
        yield* Effect.promise(() => fetch(`${posthog.captureHost}/e/`, { method: "POST", body: JSON.stringify(body) }))
      }
      yield* posthog.until(() => posthog.forwarding.inFlight() === 0)
      expect(received).toMatchObject([
        {
          secret,
          body: {
            event: { event: "viewed", distinct_id: "u_1", properties: { $is_identified: true } },
            person: { properties: { plan: "pro" } }
          }
        }
      ])
    })
  )
})
