/** What the running server tells PostHog by its destination, as a PostHog gets it: through a socket, and kept by its rules. */
import { expect, it } from "@effect/vitest"
import { PostHogBehaviour, TestDatabase, TestPostHog } from "@hogsend/testing"
import { Effect, Schedule } from "effect"
import { vi } from "vitest"
import { addressOf, request, startServer, until } from "./serverProcess.ts"

// For slow machines.
vi.setConfig({ testTimeout: 60_000 })

const key = "an admin key for tests, long enough"

interface Tried {
  readonly status: string
  readonly lastStatus: number | null
  readonly lastError: string | null
}

/** The server with a PostHog that it tells, and no personal key. */
const start = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  const posthog = yield* TestPostHog.make()
  const address = yield* addressOf(
    yield* startServer({
      DATABASE_URL: url,
      BETTER_AUTH_SECRET: "a secret of 32 characters or more",
      ADMIN_API_KEY: key,
      OUTBOUND_ALLOW_HTTP: "true",
      OUTBOUND_ALLOW_LOOPBACK: "true",
      ENABLE_POSTHOG_DESTINATION: "true",
      POSTHOG_API_KEY: posthog.apiKey,
      POSTHOG_HOST: posthog.captureHost
    })
  )
  const send = (method: string, path: string, body?: unknown) => request(method, `${address}${path}`, { key, body })
  const put = (body: object) => Effect.map(send("PUT", "/v1/contacts", body), ({ status }) => expect(status).toBe(200))
  return { posthog, put, send }
})

it.live("A contact's properties become its person's, go when they go, and hold no address and no identifier", () =>
  Effect.gen(function* () {
    const { posthog, put } = yield* start
    const properties = {
      plan: "pro",
      seats: 3,
      phone: "+1 555",
      note: "ada@example.com",
      crm: { owner: "a@b.example" }
    }
    yield* put({ userId: "u_1", email: "ada@example.com", properties })
    yield* until("the person is there", () => posthog.store.person("u_1")?.properties["plan"] === "pro")
    expect(posthog.store.person("u_1")?.properties).toEqual({ plan: "pro", seats: 3, crm: {} })

    yield* put({ userId: "u_1", properties: { plan: "free", seats: null } })
    yield* until("it has changed", () => posthog.store.person("u_1")?.properties["plan"] === "free")
    expect(posthog.store.person("u_1")?.properties).toEqual({ plan: "free", crm: {} })
    const sent = JSON.stringify(posthog.requests("capture").map(({ body }) => body))
    // Not "555" or "ada", which an id may hold.
    expect(sent).not.toMatch(/ada@|\+1 555|a@b|example/)
    for (const { event, properties } of posthog.store.events()) {
      expect(event).toBe("$set")
      expect(properties).toMatchObject({ hogsend: expect.stringMatching(/^[0-9a-f-]{36}$/), $geoip_disable: true })
    }
  })
)

it.live(
  "A message that PostHog took without our hearing of it is one event, and a page that answers is not PostHog",
  () =>
    Effect.gen(function* () {
      const { posthog, put, send } = yield* start
      posthog.capture.next(PostHogBehaviour.lose)
      posthog.capture.next(PostHogBehaviour.html)
      const { body } = yield* send("GET", "/v1/admin/webhooks")
      const { id } = body.endpoints.find(({ kind }: { readonly kind: string }) => kind === "posthog")
      const deliveries = Effect.map(send("GET", `/v1/admin/webhooks/${id}/deliveries`), ({ body }) => body.deliveries)
      /** The delivery after an attempt that came to this. */
      const tried = (is: (delivery: Tried) => boolean) =>
        Effect.repeat(deliveries, {
          until: ([delivery]) => delivery !== undefined && is(delivery),
          schedule: Schedule.spaced("10 millis")
        })
      const again = (delivery: { readonly id: string }) =>
        send("POST", `/v1/admin/webhooks/${id}/deliveries/${delivery.id}/retry`)

      yield* put({ userId: "u_1", properties: { plan: "pro" } })
      const [delivery] = yield* tried(({ lastError }) => lastError !== null)
      yield* again(delivery)
      yield* tried(({ lastStatus, status }) => status === "pending" && lastStatus === 200)
      yield* again(delivery)
      yield* tried(({ status }) => status === "delivered")
      expect(posthog.requests("capture")).toHaveLength(3)
      expect(posthog.store.events().map(({ uuid }) => `msg_${uuid}`)).toEqual([delivery.messageId])
    })
)
