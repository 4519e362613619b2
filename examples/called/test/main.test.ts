/** Runs the example as a user would: its own environment, real requests, and a Hogsend that delivers for real. */
import { expect, it } from "@effect/vitest"
import { Hogsend } from "@hogsend/client"
import { TestDatabase, TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { vi } from "vitest"

// For slow machines: most of it is loading.
vi.setConfig({ testTimeout: 60_000 })

const connected = TestHogsend.connectedLayer({ destinationQueue: { slots: 4, interval: 20 } }).pipe(
  Layer.provide(TestDatabase.layer)
)

it.live("The shop tells what happens, and hears what became of people", () =>
  Effect.gen(function* () {
    const { secret: apiKey, url } = yield* TestHogsend
    const operator = new Hogsend({ baseUrl: url, apiKey })
    // The shop is started with the secret of its endpoint, and the endpoint learns then where the shop is.
    const endpoint = yield* Effect.promise(() =>
      operator.webhooks.create({
        url: "http://127.0.0.1:9/",
        eventTypes: ["contact.created", "contact.updated", "contact.merged", "contact.deleted"]
      })
    )
    Object.assign(process.env, {
      PORT: "0",
      HOGSEND_URL: url,
      HOGSEND_API_KEY: apiKey,
      HOGSEND_WEBHOOK_SECRET: endpoint.secret
    })
    const { server } = yield* Effect.promise(() => import("../src/main.ts"))
    yield* Effect.addFinalizer(() => Effect.promise(() => new Promise<void>((closed) => server.close(() => closed()))))
    const address = server.address()
    const shop = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`

    const ask = async (method: string, path: string, body?: object) => {
      const request = body === undefined ? {} : { body: JSON.stringify(body) }
      const answer = await fetch(`${shop}${path}`, { method, ...request })
      return { status: answer.status, body: await answer.json() }
    }
    const plans = async () => (await ask("GET", "/plans")).body

    yield* Effect.promise(async () => {
      await operator.webhooks.update(endpoint.id, { url: `${shop}/webhooks/hogsend` })
      await operator.events.send({ name: "page.viewed", anonymousId: "visitor-1", contactProperties: { plan: "none" } })
      const waits = { timeout: 20_000 }
      await vi.waitFor(async () => expect(await plans()).toEqual({ "visitor-1": "none" }), waits)

      const user = { id: "u_ada", email: "ada@example.com", plan: "pro" }
      expect(await ask("POST", "/signups", { user, visitorId: "visitor-1" })).toMatchObject({
        status: 200,
        body: { contactKey: "u_ada" }
      })
      await vi.waitFor(async () => expect(await plans()).toMatchObject({ u_ada: "pro" }), waits)

      const order = { id: "1", userId: "u_ada", total: 49.9 }
      expect(await ask("POST", "/orders", order)).toMatchObject({ body: { stored: true } })
      expect(await ask("POST", "/orders", order)).toMatchObject({ body: { stored: false } })

      expect(await ask("POST", "/webhooks/hogsend", { type: "contact.deleted" })).toMatchObject({ status: 401 })
      for (const _ of [1, 2]) {
        expect(await ask("DELETE", "/users?id=u_ada")).toEqual({ status: 200, body: { erasure: "done" } })
      }
      await vi.waitFor(async () => expect(await plans()).not.toHaveProperty("u_ada"), waits)
    })
  }).pipe(Effect.provide(connected))
)
