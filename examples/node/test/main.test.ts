/** Runs the example as a user would: its own environment, real requests. */
import { expect, it } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { vi } from "vitest"

// For slow machines: most of it is loading.
vi.setConfig({ testTimeout: 60_000 })

const adminKey = "an admin key, sixteen characters or more"
const origin = "https://app.example.com"

it.live("A user's order and what their browser says are one contact's", () =>
  Effect.gen(function* () {
    const { url: database } = yield* TestDatabase.create
    Object.assign(process.env, {
      PORT: "0",
      DATABASE_URL: database,
      BETTER_AUTH_SECRET: "one of the secrets that a host app signs with",
      ADMIN_API_KEY: adminKey
    })
    const { hogsend, server } = yield* Effect.promise(() => import("../src/main.ts"))
    yield* Effect.addFinalizer(() =>
      Effect.promise(() => new Promise((closed) => server.close(closed)).then(() => hogsend.dispose()))
    )
    const address = server.address()
    const port = typeof address === "object" ? address?.port : 0

    const ask = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      return { status: answer.status, body: (await answer.json()) as Record<string, string> }
    }

    yield* Effect.promise(async () => {
      const admin = { authorization: `Bearer ${adminKey}` }
      const browser = { name: "web", publishable: true, allowedOrigins: [origin] }
      const { body: minted } = await ask("POST", "/hogsend/v1/admin/api-keys", admin, browser)

      expect(await ask("POST", "/user-token", {})).toMatchObject({ status: 401 })
      const ada = { "x-demo-user": "u_ada" }
      expect(await ask("POST", "/orders", ada, { total: 49.9 })).toMatchObject({ status: 201 })
      const { body: session } = await ask("POST", "/user-token", ada)
      const event = { name: "page.viewed", userId: "u_ada", anonymousId: "visitor-1", userToken: session.userToken }
      const page = { authorization: `Bearer ${minted.key}`, origin }
      expect(await ask("POST", "/hogsend/v1/events", page, event)).toMatchObject({ status: 202 })

      const [contact, ...others] = await hogsend.contacts.find({ userId: "u_ada", anonymousId: "visitor-1" })
      expect(others).toEqual([])
      expect(contact).toMatchObject({ contactKey: "u_ada", anonymousId: "visitor-1" })
      const { body: listed } = await ask("GET", `/hogsend/v1/admin/events?contactId=${contact?.id}`, admin)
      expect(listed).toMatchObject({ events: [{ name: "page.viewed" }, { name: "order.placed", value: 49.9 }] })
      expect(await ask("GET", "/hogsend/v1/nothing", {})).toMatchObject({
        status: 404,
        body: { _tag: "RouteNotFound" }
      })
    })
  })
)
