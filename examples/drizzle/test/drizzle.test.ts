/** The example on an empty database: its migrations as drizzle-kit wrote them, a server beside them, and people that change. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect, it } from "@effect/vitest"
import { readMigrations } from "@hogsend/node"
import { EmptyDatabase, RecordingTransport, TestHogsend } from "@hogsend/testing"
import { drizzle } from "drizzle-orm/node-postgres"
import { Effect, Layer, Logger, Redacted, Schedule } from "effect"
import { join } from "node:path"
import { Pool } from "pg"
import { vi } from "vitest"
import { type ContactWebhook, followContact, ordersOf, placeOrder } from "../src/orders.ts"

const server = Effect.fnUntraced(function* (url: string) {
  const clientMigrations = yield* readMigrations(join(import.meta.dirname, "../migrations"))
  return TestHogsend.serverLayer({ clientMigrations, destinationQueue: { slots: 2 } }).pipe(
    Layer.provideMerge(PgClient.layer({ url: Redacted.make(url), maxConnections: 5 })),
    Layer.provide(Logger.layer([]))
  )
})

it.live("An app's table stands beside ours, and its rows follow the people they are about", () =>
  Effect.gen(function* () {
    const { url } = yield* EmptyDatabase.create
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined)
    vi.stubEnv("DATABASE_URL", url)
    yield* Effect.promise(() => import("../src/migrate.ts"))
    expect(log).toHaveBeenCalledWith(
      expect.objectContaining({
        applied: expect.arrayContaining(["client/0000_orders", "client/0001_currency", "client/0002_orders_by_contact"])
      })
    )
    log.mockRestore()
    const pool = yield* Effect.acquireRelease(
      Effect.sync(() => new Pool({ connectionString: url })),
      (pool) => Effect.promise(() => pool.end())
    )
    const db = drizzle(pool)
    const totalsOf = (contactKey: string) =>
      Effect.map(
        Effect.promise(() => ordersOf(db, contactKey)),
        (found) => found.map(({ currency, total }) => `${total} ${currency}`)
      )

    /** Hands the webhook of this type to the app, as soon as it was sent. */
    const follow = Effect.fnUntraced(function* (type: string) {
      const { sent } = yield* RecordingTransport
      const message = yield* Effect.sync(() =>
        sent.map(({ body }): ContactWebhook => JSON.parse(String(body))).find((one) => one.type === type)
      ).pipe(Effect.repeat({ until: (one) => one !== undefined, schedule: Schedule.spaced("20 millis"), times: 500 }))
      yield* Effect.promise(async () => message && followContact(db, message))
    })

    yield* Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      expect((yield* request("GET", "/v1/health")).body).toMatchObject({
        status: "healthy",
        schema: { client: { applied: 3, required: 3, inSync: true } }
      })
      const endpoint = { url: "https://hooks.example.com/hogsend", eventTypes: ["contact.merged", "contact.deleted"] }
      expect(yield* asServer("POST", "/v1/admin/webhooks", endpoint)).toMatchObject({ status: 201 })
      for (const userId of ["u_ada", "u_lovelace"]) {
        const { body } = yield* asServer("POST", "/v1/events", { name: "order.placed", userId, value: 49 })
        yield* Effect.promise(() => placeOrder(db, { contactKey: body.contactKey, total: userId.length }))
      }
      expect(yield* totalsOf("u_ada")).toEqual(["5 EUR"])

      const pair = { survivor: "external:u_ada", absorbed: "external:u_lovelace" }
      expect(yield* asServer("POST", "/v1/admin/identity/merge", pair)).toMatchObject({ status: 200 })
      yield* follow("contact.merged")
      expect(yield* totalsOf("u_ada")).toEqual(["10 EUR", "5 EUR"])
      expect(yield* totalsOf("u_lovelace")).toEqual([])

      expect(yield* asServer("DELETE", "/v1/contacts", { userId: "u_ada" })).toMatchObject({ status: 200 })
      yield* follow("contact.deleted")
      expect(yield* totalsOf("u_ada")).toEqual([])
    }).pipe(Effect.provide(yield* server(url)))
  })
)
