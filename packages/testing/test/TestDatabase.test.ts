import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { TestDatabase } from "../src/TestDatabase.ts"

const name = Effect.flatMap(PgClient.PgClient, (sql) => sql<{ name: string }>`select current_database() as name`).pipe(
  Effect.map(([row]) => row?.name ?? "")
)

layer(TestDatabase.layer)("TestDatabase.layer", (it) => {
  it.effect("gives one database to all tests of a layer", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`create table mine (id int)`
      expect(yield* name).toMatch(/^test_[0-9a-f]{12}$/)
    })
  )
  it.effect("keeps its tables between them", () =>
    Effect.flatMap(PgClient.PgClient, (sql) => Effect.map(sql`select id from mine`, (rows) => expect(rows).toEqual([])))
  )
})

describe("TestDatabase.create", () => {
  it.live("gives a connection string, and drops the database with the scope although somebody is connected", () =>
    Effect.gen(function* () {
      const other = yield* TestDatabase.create
      const fresh = yield* Effect.scoped(
        Effect.gen(function* () {
          const fresh = yield* TestDatabase.create
          const context = yield* Layer.build(PgClient.layer({ url: Redacted.make(fresh.url) }))
          const sql = Context.get(context, PgClient.PgClient)
          expect(yield* sql`select current_database() as name`).toEqual([{ name: fresh.database }])
          return fresh
        })
      )
      const found = yield* Effect.flatMap(
        PgClient.PgClient,
        (sql) => sql`select datname from pg_database where datname in (${fresh.database}, ${other.database})`
      ).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(other.url) })))
      expect(found).toEqual([{ datname: other.database }])
    })
  )
})
