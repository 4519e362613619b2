import { expect, layer } from "@effect/vitest"
import { Contacts, EventIngest } from "@hogsend/engine"
import { HogsendTest } from "@hogsend/testing"
import { Clock, Effect } from "effect"

// With the test services of Effect there, as a host app's test has them: the engine does not stand still with their clock.
layer(HogsendTest.layer(), { timeout: "30 seconds" })("HogsendTest.layer", (it) => {
  it.effect("answers the routes without a port, under each kind of key", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer, proxy, request, userToken } = yield* HogsendTest
      expect(yield* request("GET", "/v1/health")).toMatchObject({ status: 200, body: { status: "healthy" } })
      expect(yield* asServer("PUT", "/v1/contacts", { userId: "u_routes" })).toMatchObject({ status: 200 })
      const event = { name: "clicked", userId: "u_routes" }
      expect(yield* asBrowser("POST", "/v1/events", event)).toMatchObject({ status: 403 })
      const token = { "x-hogsend-user-token": userToken("u_routes") }
      expect(yield* asBrowser("POST", "/v1/events", event, token)).toMatchObject({ status: 202 })
      const unnamed = { name: "clicked", anonymousId: "anon_routes" }
      expect(yield* request("POST", "/v1/events", { key: proxy, body: unnamed })).toMatchObject({ status: 202 })
    })
  )

  it.effect("answers every service of the engine", () =>
    Effect.gen(function* () {
      const ingest = yield* EventIngest
      const contacts = yield* Contacts
      const caller = { keyId: null, name: "a host app", scopes: ["full-admin" as const], restricted: false }
      yield* ingest.ingest(caller, { name: "signed_up", userId: "u_service" }, { userTokens: [] })
      expect(yield* contacts.find({ userId: "u_service" })).toMatchObject([{ externalId: "u_service" }])
    })
  )

  it.effect("delivers to its receiver, which decodes and verifies", () =>
    Effect.gen(function* () {
      const { asServer, receiver, settled } = yield* HogsendTest
      yield* receiver.subscribe(["contact.created"])
      yield* asServer("PUT", "/v1/contacts", { userId: "u_told" })
      yield* settled
      expect(receiver.requests).toMatchObject([
        {
          url: receiver.url,
          method: "POST",
          verified: true,
          message: { type: "contact.created", data: { userId: "u_told" } }
        }
      ])
      receiver.secrets.clear()
      expect(receiver.requests).toMatchObject([{ verified: false }])
    })
  )

  it.effect("records what the analytics provider is told, in order", () =>
    Effect.gen(function* () {
      const { analytics, asServer, settled } = yield* HogsendTest
      yield* asServer("POST", "/v1/events", { name: "seen", anonymousId: "anon_1" })
      yield* asServer("POST", "/v1/events", { name: "signed_up", userId: "u_merged", anonymousId: "anon_1" })
      yield* settled
      expect(analytics.merges[0]).toEqual({ distinctId: "u_merged", alias: "anon_1" })
    })
  )

  it.effect("has the time of day until a test moves it", () =>
    Effect.gen(function* () {
      expect(Math.abs((yield* Clock.currentTimeMillis) - Date.now())).toBeLessThan(60_000)
    })
  )
})
