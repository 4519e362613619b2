import { expect, layer } from "@effect/vitest"
import { Contacts, EventIngest } from "@hogsend/engine"
import { HogsendTest } from "@hogsend/testing"
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Webhook } from "standardwebhooks"
import { afterAll } from "vitest"

// With the test services of Effect there, as a host app's test has them: the engine does not stand still with their clock.
layer(HogsendTest.layer(), { timeout: "30 seconds" })("HogsendTest.layer", (it) => {
  it.effect("has the time of day until a test moves it", () =>
    Effect.gen(function* () {
      expect(Math.abs((yield* Clock.currentTimeMillis) - Date.now())).toBeLessThan(60_000)
    })
  )

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

  it.effect("hands webhooks to the host's own handler, as they are signed", () =>
    Effect.gen(function* () {
      const { asServer, clock, receiver, settled } = yield* HogsendTest
      const { secret = "" } = yield* receiver.subscribe(["contact.updated"])
      const taken: Array<unknown> = []
      receiver.handleWith(async (request) => {
        const body = await request.text()
        taken.push(new Webhook(secret).verify(body, Object.fromEntries(request.headers)))
        return new Response(null, { status: taken.length === 1 ? 500 : 204 })
      })
      yield* asServer("PUT", "/v1/contacts", { userId: "u_told", properties: { plan: "pro" } })
      yield* settled
      expect(taken).toMatchObject([{ type: "contact.updated" }])
      yield* clock.adjust("1 minute")
      expect(taken).toMatchObject([{ type: "contact.updated" }, { type: "contact.updated" }])
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
})

const folder = mkdtempSync(join(tmpdir(), "hogsend-"))
writeFileSync(join(folder, "0001_orders.sql"), "create table orders (id int primary key);")
afterAll(() => rmSync(folder, { recursive: true }))

layer(HogsendTest.layer({ clientMigrations: folder }), { timeout: "30 seconds" })("A host's own migrations", (it) => {
  it.effect("are applied to the new database", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      expect(yield* sql`select id from orders`).toEqual([])
      const { body } = yield* (yield* HogsendTest).request("GET", "/v1/health")
      expect(body.schema.client).toMatchObject({ applied: 1, inSync: true })
    })
  )
})
