/** The helper of a host app: both tracks from a folder, what it answers, what it rejects with, and that it prints nothing. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it } from "@effect/vitest"
import { MigrationFailed } from "@hogsend/engine"
import { EmptyDatabase } from "@hogsend/testing"
import { Effect, Redacted } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { vi } from "vitest"
import { createHogsendClient } from "../src/createHogsendClient.ts"
import { migrate } from "../src/migrate.ts"
import { DatabaseRefused } from "../src/Postgres.ts"
import { MigrationsUnreadable } from "../src/readMigrations.ts"

const folderOf = (files: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "hogsend-migrate-"))
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )

const tables = (url: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql`select schemaname, tablename from pg_tables where tablename in ('orders', 'contacts') order by 1`
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) })))

const rejectionOf = (promise: () => Promise<unknown>) =>
  Effect.flip(Effect.tryPromise({ try: promise, catch: (e) => e }))

describe("migrate", () => {
  it.live("runs the engine's track and then the host's, answers what it did, and prints nothing", () =>
    Effect.gen(function* () {
      const printed = (["log", "info", "warn", "error"] as const).map((method) => vi.spyOn(console, method))
      const { url } = yield* EmptyDatabase.create
      const clientMigrations = yield* folderOf({ "0000_orders.sql": "create table orders (id int)" })
      const options = { database: url, clientMigrations }
      const first = yield* Effect.promise(() => migrate(options))
      expect(first.applied[0]).toBe("engine/0001_Clock")
      expect(first.applied.at(-1)).toBe("client/0000_orders")
      expect(first).toMatchObject({ outOfOrder: [], renamed: [], unknown: [] })
      expect(yield* tables(url)).toEqual([
        { schemaname: "hogsend", tablename: "contacts" },
        { schemaname: "public", tablename: "orders" }
      ])
      expect((yield* Effect.promise(() => migrate(options))).applied).toEqual([])
      for (const method of printed) {
        expect(method).not.toHaveBeenCalled()
        method.mockRestore()
      }
    })
  )

  it.live("runs one track when so asked, and needs no folder", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const database = Redacted.make(url)
      const clientMigrations = yield* folderOf({ "0000_orders.sql": "create table orders (id int)" })
      const client = yield* Effect.promise(() => migrate({ database, clientMigrations, tracks: ["client"] }))
      expect(client.applied).toEqual(["client/0000_orders"])
      const rest = yield* Effect.promise(() => migrate({ database }))
      expect(rest.applied[0]).toBe("engine/0001_Clock")
      expect(rest.unknown).toEqual(["client/0000_orders"])
    })
  )

  it.live("is safe to start in several processes at the same moment", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const clientMigrations = yield* folderOf({ "0000_orders.sql": "create table orders (id int)" })
      const reports = yield* Effect.promise(() =>
        Promise.all([1, 2, 3].map(() => migrate({ database: url, clientMigrations })))
      )
      expect(reports.flatMap(({ applied }) => applied).filter((name) => name.startsWith("client/"))).toEqual([
        "client/0000_orders"
      ])
    })
  )

  it.live("rejects with what is wrong, as a sentence", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const broken = yield* folderOf({ "0000_orders.sql": "create tabel orders (id int)" })
      const failed = yield* rejectionOf(() => migrate({ database: url, clientMigrations: broken }))
      expect(failed).toBeInstanceOf(MigrationFailed)
      expect(String(failed)).toMatch(/migration client\/0000_orders: .*"tabel" \(line 1: create tabel/)
      const missing = yield* rejectionOf(() => migrate({ database: url, clientMigrations: "/nowhere/at/all" }))
      expect(missing).toBeInstanceOf(MigrationsUnreadable)
      expect(String(missing)).toContain("/nowhere/at/all does not exist")
      const refused = yield* rejectionOf(() => migrate({ database: "postgres://u:hunter2@127.0.0.1:1/db" }))
      expect(refused).toBeInstanceOf(DatabaseRefused)
      expect(String(refused)).toMatch(/The option database cannot be used: .*ECONNREFUSED/)
      expect(String(refused)).not.toContain("hunter2")
      const nonsense = yield* rejectionOf(() => migrate({ database: "localhost/hunter2" }))
      expect(nonsense).toBeInstanceOf(DatabaseRefused)
      expect(String(nonsense)).toMatch(/The option database is not a URL that starts with postgres:/)
      expect(String(nonsense)).not.toContain("hunter2")
    })
  )

  it.live("is a method of a client, too, whose health tells what is left to do", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const clientMigrations = yield* folderOf({ "0000_orders.sql": "create table orders (id int)" })
      const secret = "a secret of thirty-two characters or more"
      const hogsend = yield* Effect.acquireRelease(
        Effect.sync(() => createHogsendClient({ database: url, secret, clientMigrations, logLevel: "error" })),
        (client) => Effect.promise(() => client.dispose())
      )
      const health = Effect.promise(() => hogsend.handler(new Request("http://localhost/v1/health"))).pipe(
        Effect.flatMap((answer) => Effect.promise(() => answer.json()))
      )
      expect(yield* health).toMatchObject({
        status: "migration_pending",
        schema: { engine: { inSync: true }, client: { pending: ["0000_orders"] } }
      })
      expect(yield* Effect.promise(() => hogsend.migrate())).toMatchObject({ applied: ["client/0000_orders"] })
      expect(yield* health).toMatchObject({ status: "healthy" })
    })
  )
})
