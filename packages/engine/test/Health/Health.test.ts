/** `/v1/health` and what requests are answered, while the database is well, behind, locked, hanging and gone. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it, layer } from "@effect/vitest"
import { defineAnalyticsProvider } from "@hogsend/core"
import { type Answer, DatabaseProxy, EmptyDatabase, TestDatabase, TestHogsend } from "@hogsend/testing"
import { Cause, Effect, Layer, Logger, Redacted, Schedule } from "effect"
import { AnalyticsProvidersInvalid } from "../../src/AnalyticsProviders.ts"
import { Migrations } from "../../src/Migrations.ts"
import { engineMigrations } from "../../src/Migrations/engineMigrations.ts"
import { PersonReads } from "../../src/PersonReads.ts"

const probeTimeout = 300
const engineNames = engineMigrations.map(({ name }) => name)
const inSync = { inSync: true, pending: [], outOfOrder: [], changed: [], unknown: [] }

const health = Effect.flatMap(TestHogsend, ({ request }) => request("GET", "/v1/health"))
const ready = Effect.flatMap(TestHogsend, ({ request }) => request("GET", "/v1/health/ready"))
const live = Effect.flatMap(TestHogsend, ({ request }) => request("GET", "/v1/health/live"))

const until = <R>(self: Effect.Effect<Answer, never, R>, status: number) =>
  self.pipe(
    Effect.repeat({ until: (answer) => answer.status === status, schedule: Schedule.spaced("20 millis"), times: 250 })
  )

const expectNotReady = (answer: Answer) => {
  expect(answer).toMatchObject({
    status: 503,
    body: { _tag: "NotReady", error: expect.stringMatching(/^Not ready: /) }
  })
  expect(answer.headers.get("x-request-id")).toBeTruthy()
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
}

const quiet = Layer.provide(Logger.layer([]))

layer(TestHogsend.layer({ health: { probeTimeout }, clientMigrations: [] }).pipe(quiet), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("A server in sync", (it) => {
  it.effect("is healthy, live and ready", () =>
    Effect.gen(function* () {
      const { body, status } = yield* health
      expect(status).toBe(200)
      expect(body).toEqual({
        status: "healthy",
        schema: {
          engine: { ...inSync, applied: engineNames.length, required: engineNames.length },
          client: { ...inSync, applied: 0, required: 0 }
        },
        uptime: expect.any(Number),
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        version: "1",
        components: {
          database: { status: "up", latencyMs: expect.any(Number), clockSkewMs: expect.any(Number) },
          queue: { pending: 0, oldestDueSeconds: 0, deadLettered: 0, openCircuits: 0 },
          analytics: {
            configured: false,
            provider: null,
            personReads: null,
            personWrites: null,
            lastReadError: null,
            lastWriteError: null,
            softFailures: 0
          }
        }
      })
      expect(body.uptime).toBeLessThan(60)
      expect(Math.abs(Date.parse(body.timestamp) - Date.now())).toBeLessThan(5000)
      expect(yield* live).toMatchObject({ status: 200, body: { status: "live" } })
      expect(yield* ready).toMatchObject({ status: 200, body: { status: "ready" } })
    })
  )

  it.effect("is degraded and not ready, without being late, while the record of migrations is locked", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* Effect.gen(function* () {
        yield* sql`lock table hogsend.migrations in access exclusive mode`
        const before = Date.now()
        const { body, status } = yield* health
        expect(Date.now() - before).toBeLessThan(probeTimeout + 500)
        expect(status).toBe(200)
        expect(body).toMatchObject({
          status: "degraded",
          schema: { engine: { applied: null, required: null }, client: { applied: null, required: null } },
          components: { database: { status: "up" } }
        })
        expectNotReady(yield* ready)
        expect(yield* live).toMatchObject({ status: 200 })
        // What waits for the lock is cancelled with its probe: nothing piles up.
        yield* sql`select count(*)::int as n from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`.pipe(
          Effect.repeat({ until: ([row]) => row?.n === 0, schedule: Schedule.spaced("20 millis"), times: 100 }),
          Effect.map((rows) => expect(rows).toEqual([{ n: 0 }]))
        )
      }).pipe(sql.withTransaction)
      expect(yield* until(ready, 200)).toMatchObject({ status: 200 })
      expect((yield* health).body.status).toBe("healthy")
    })
  )

  it.effect("is healthy and ready, without being late, while the deliveries cannot be counted", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* Effect.gen(function* () {
        yield* sql`lock table hogsend.deliveries in access exclusive mode`
        expect(yield* health).toMatchObject({ status: 200, body: { status: "healthy", components: { queue: null } } })
        expect(yield* ready).toMatchObject({ status: 200 })
      }).pipe(sql.withTransaction)
      // The one that was late is still being told to stop, and is shared until it has.
      const { body } = yield* health.pipe(
        Effect.repeat({
          until: (answer) => answer.body.components.queue !== null,
          schedule: Schedule.spaced("20 millis"),
          times: 250
        })
      )
      expect(body.components.queue).toMatchObject({ pending: 0 })
    })
  )

  // The next ones change the record, each in its way, and put it back.
  it.effect.each([
    ["behind", "delete from hogsend.migrations where name = $1", { pending: [engineNames[0]] }, 503],
    [
      "changed",
      "update hogsend.migrations set sha256 = 'another' where name = $1",
      { pending: [], changed: [engineNames[0]] },
      503
    ],
    [
      "ahead",
      "insert into hogsend.migrations (track, name, sha256) select 'engine', '9999_Later', $1",
      { pending: [], changed: [], unknown: ["9999_Later"] },
      200
    ]
  ] as const)("whose schema is %s has migration_pending", ([, statement, engine, readyStatus]) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`create table kept as select * from hogsend.migrations`
      yield* sql.unsafe(statement, [engineNames[0]])
      const { body, status } = yield* health
      const answer = yield* ready
      yield* sql`delete from hogsend.migrations`
      yield* sql`insert into hogsend.migrations select * from kept`
      yield* sql`drop table kept`
      expect(status).toBe(200)
      expect(body).toMatchObject({ status: "migration_pending", schema: { engine: { inSync: false, ...engine } } })
      if (readyStatus === 503) expectNotReady(answer)
      else expect(answer).toMatchObject({ status: 200 })
    })
  )
})

const orders = { name: "0000_orders", sql: "create table orders (id int)" }
const items = { name: "0001_items", sql: "create table items (id int)" }

describe("A server whose client track is", () => {
  const other = { inSync: false, pending: [], outOfOrder: [], changed: [], unknown: [] }

  it.live.each([
    ["behind", [orders], { pending: ["0001_items"] }],
    ["behind with one that comes late", [items], { pending: ["0000_orders"], outOfOrder: ["0000_orders"] }],
    ["changed", [orders, { ...items, sql: `${items.sql} -- edited` }], { changed: ["0001_items"] }],
    ["ahead", [orders, items, { ...items, name: "0002_more", sql: "select 1" }], { unknown: ["0002_more"] }]
  ] as const)("%s has migration_pending, and is ready all the same", ([, applied, differs]) =>
    Effect.gen(function* () {
      yield* Migrations.pipe(
        Effect.flatMap(({ run }) => run(["client"])),
        Effect.provide(Migrations.layer({ client: applied }))
      )
      yield* Effect.gen(function* () {
        const client = { ...other, ...differs, applied: applied.length, required: 2 }
        expect((yield* health).body).toMatchObject({
          status: "migration_pending",
          schema: { engine: inSync, client }
        })
        expect(yield* ready).toMatchObject({ status: 200 })
      }).pipe(Effect.provide(TestHogsend.serverLayer({ clientMigrations: [orders, items] })))
    }).pipe(Effect.provide(TestDatabase.layer), Effect.provide(Logger.layer([])))
  )
})

const revoked = defineAnalyticsProvider({
  meta: { id: "warehouse", name: "Our warehouse" },
  capabilities: { personReads: true, personWrites: false },
  getPersonProperties: () => Promise.reject(Object.assign(new Error("refused"), { status: 401 })),
  setPersonProperties: async () => {},
  capture: () => {}
})

layer(TestHogsend.layer({ analytics: { provider: revoked } }).pipe(quiet), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("A server with an analytics provider", (it) => {
  it.effect("tells what it can do with its credentials, and how reads fail, and is healthy all the same", () =>
    Effect.gen(function* () {
      const can = { configured: true, provider: "warehouse", personReads: true, personWrites: false }
      const before = yield* health
      expect(before.body.components.analytics).toEqual({
        ...can,
        lastReadError: null,
        lastWriteError: null,
        softFailures: 0
      })
      expect(yield* (yield* PersonReads).propertiesOrEmpty("u_1")).toEqual({})
      const { body } = yield* health
      expect(body.status).toBe("healthy")
      expect(body.components.analytics).toEqual({
        ...can,
        lastReadError: { reason: "unauthorized", at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
        lastWriteError: null,
        softFailures: 1
      })
    }).pipe(Effect.provide(Logger.layer([])))
  )
})

describe("A server whose analytics provider is none that there is", () => {
  it.effect("does not start, and names those that there are", () =>
    Effect.gen(function* () {
      const analytics = { provider: revoked, defaultProvider: "posthog" }
      const cause = yield* Effect.scoped(Effect.sandbox(Layer.build(TestHogsend.layer({ analytics })))).pipe(
        Effect.flip
      )
      const failure = Cause.squash(cause)
      expect(failure).toBeInstanceOf(AnalyticsProvidersInvalid)
      expect(failure).toMatchObject({ error: expect.stringMatching(/"posthog".*warehouse/) })
    }).pipe(Effect.provide(Logger.layer([])))
  )
})

describe("A database that", () => {
  it.live("hangs makes the report degraded, never late", () =>
    Effect.gen(function* () {
      const proxy = yield* DatabaseProxy.create((yield* TestDatabase.create).url)
      yield* Effect.gen(function* () {
        expect((yield* health).body).toMatchObject({ status: "healthy" })
        proxy.hang(true)
        const before = Date.now()
        const reports = yield* Effect.all(
          Array.from({ length: 20 }, () => health),
          { concurrency: 20 }
        )
        expect(Date.now() - before).toBeLessThan(probeTimeout + 700)
        for (const { body, status } of reports) {
          expect(status).toBe(200)
          expect(body).toMatchObject({
            status: "degraded",
            components: { database: { status: "down", latencyMs: null }, queue: null }
          })
        }
        expectNotReady(yield* ready)
        expect(yield* live).toMatchObject({ status: 200 })
        proxy.hang(false)
        expect(yield* until(ready, 200)).toMatchObject({ status: 200 })
      }).pipe(
        Effect.provide(
          TestHogsend.serverLayer({ health: { probeTimeout } }).pipe(
            Layer.provideMerge(PgClient.layer({ url: Redacted.make(proxy.url), maxConnections: 4 })),
            quiet
          )
        )
      )
    })
  )

  it.live("is gone is a 503 that may be sent again on every route, and all is well when it is back", () =>
    Effect.gen(function* () {
      const { administer, database, url } = yield* EmptyDatabase.create
      yield* Effect.gen(function* () {
        const { asBrowser, asServer } = yield* TestHogsend
        const anonymous = { anonymousId: "0190c6a4-7f5e-7c3e-9f7e-1d2c3b4a5968" }
        const calls = {
          event: asServer("POST", "/v1/events", { name: "signed_up", userId: "u_1" }),
          eventOfABrowser: asBrowser("POST", "/v1/events", { name: "seen", ...anonymous }),
          contact: asServer("PUT", "/v1/contacts", { userId: "u_1", properties: { plan: "free" } }),
          events: asServer("GET", "/v1/admin/events"),
          contacts: asServer("GET", "/v1/admin/contacts"),
          warnings: asServer("GET", "/v1/admin/warnings"),
          auditLogs: asServer("GET", "/v1/admin/audit-logs"),
          mint: asServer("POST", "/v1/admin/api-keys", { name: "another", scopes: ["read"] })
        }
        // Every key is in the gate's cache now.
        for (const [name, answer] of Object.entries(yield* Effect.all(calls))) {
          expect([name, answer.status]).toEqual([name, expect.toSatisfy((status: number) => status < 300)])
        }

        yield* administer(`alter database ${database} with allow_connections false`)
        yield* administer(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}' and pid <> pg_backend_pid()`
        )
        // The first may find a connection that has just died, the second finds none; from the second round on the epoch is
        // too old for the cache.
        for (const round of [1, 2, 3]) {
          for (const [name, answer] of Object.entries(yield* Effect.all(calls, { concurrency: "unbounded" }))) {
            expect([round, name, answer.status, answer.body]).toEqual([
              round,
              name,
              503,
              {
                _tag: "DatabaseUnavailable",
                error: expect.stringContaining("send the same request again"),
                retryAfter: 1
              }
            ])
            expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
            expect(answer.headers.get("x-request-id")).toBeTruthy()
          }
          expect((yield* health).body).toMatchObject({
            status: "degraded",
            components: { database: { status: "down" } }
          })
          expectNotReady(yield* ready)
          if (round === 2) yield* Effect.sleep(400)
        }
        // A key that cannot be judged is not called unknown; one that cannot be a key is.
        expect(yield* (yield* TestHogsend).request("GET", "/v1/admin/events", { key: "nonsense" })).toMatchObject({
          status: 401
        })

        yield* administer(`alter database ${database} with allow_connections true`)
        expect(yield* until(calls.event, 202)).toMatchObject({ status: 202 })
        for (const [name, answer] of Object.entries(yield* Effect.all(calls))) {
          expect([name, answer.status]).toEqual([name, expect.toSatisfy((status: number) => status < 300)])
        }
        expect((yield* health).body.status).toBe("healthy")
        expect(yield* ready).toMatchObject({ status: 200 })
      }).pipe(
        Effect.provide(
          TestHogsend.serverLayer({
            migrate: "auto",
            health: { probeTimeout },
            keyGate: { epochInterval: 50, epochMaxAge: 300 }
          }).pipe(Layer.provideMerge(PgClient.layer({ url: Redacted.make(url), maxConnections: 4 })), quiet)
        )
      )
    })
  )
})
