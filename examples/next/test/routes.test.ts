/** Calls the route files as Next does. */
import { expect, it } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { vi } from "vitest"
import * as everything from "../app/hogsend/[...path]/route.ts"
import * as userToken from "../app/user-token/route.ts"
import { hogsend } from "../hogsend.ts"

it.live("The routes serve the engine, and a user's token is their own", () =>
  Effect.gen(function* () {
    const { url: database } = yield* TestDatabase.create
    // The modules above are loaded, as by a build, and have not read it yet.
    Object.assign(process.env, {
      DATABASE_URL: database,
      BETTER_AUTH_SECRET: "one of the secrets that a host app signs with"
    })
    yield* Effect.addFinalizer(() => Effect.promise(() => hogsend.dispose()))
    const ask = (method: "GET" | "POST", path: string, headers: Record<string, string> = {}, body?: object) =>
      new Request(`https://app.example.com${path}`, {
        method,
        headers: { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })

    yield* Effect.promise(async () => {
      const health = await everything.GET(ask("GET", "/hogsend/v1/health"))
      expect([health.status, await health.json()]).toMatchObject([200, { status: "healthy" }])
      expect((await everything.POST(ask("POST", "/hogsend/v1/events", {}, { name: "x" }))).status).toBe(401)
      expect((await everything.GET(ask("GET", "/elsewhere"))).status).toBe(404)

      expect((await userToken.POST(ask("POST", "/user-token"))).status).toBe(401)
      const answer = await userToken.POST(ask("POST", "/user-token", { "x-demo-user": "u_ada" }))
      const token = ((await answer.json()) as { userToken: string }).userToken.split(".")[0] ?? ""
      expect(JSON.parse(Buffer.from(token, "base64url").toString())).toMatchObject({ userId: "u_ada" })
      expect(await hogsend.events.send({ name: "order.placed", userId: "u_ada" })).toMatchObject({ stored: true })
      expect(await hogsend.contacts.find({ userId: "u_ada" })).toHaveLength(1)
    })
  })
)

it("The address comes from the platform's header, and from no other", async () => {
  const handled = vi.spyOn(hogsend, "handler").mockImplementation(() => Promise.resolve(new Response()))
  const headers = { "x-real-ip": "192.0.2.1", "x-forwarded-for": "192.0.2.2" }
  const ask = async (header: string | undefined) => {
    vi.resetModules()
    vi.stubEnv("CLIENT_ADDRESS_HEADER", header)
    const { GET }: typeof everything = await import("../app/hogsend/[...path]/route.ts")
    await GET(new Request("https://app.example.com/hogsend/v1/health", { headers }))
    return handled.mock.lastCall?.[1]
  }
  expect(await ask("x-real-ip")).toEqual({ remoteAddress: "192.0.2.1" })
  expect(await ask("x-other")).toEqual({ remoteAddress: undefined })
  expect(await ask(undefined)).toEqual({ remoteAddress: undefined })
  vi.unstubAllEnvs()
})
