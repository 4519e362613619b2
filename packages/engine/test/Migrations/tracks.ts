/** A database with both tracks to run on it, and what is found there afterwards. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { EmptyDatabase, TestDatabase } from "@hogsend/testing"
import { Context, Effect, Layer, Logger, Redacted } from "effect"
import { type Migration, type MigrationReport, Migrations } from "../../src/Migrations.ts"
import { engineMigrations } from "../../src/Migrations/engineMigrations.ts"

export const engineNames = engineMigrations.map(({ name }) => name)
export const engineTrackNames = engineNames.map((name) => `engine/${name}`)

/** A connection pool of its own, like another process has. */
export const connect = (url: string) =>
  Effect.map(Layer.build(PgClient.layer({ url: Redacted.make(url), maxConnections: 3 })), (context) =>
    Context.get(context, PgClient.PgClient)
  )

export const migrationsOn = (sql: PgClient.PgClient, client: ReadonlyArray<Migration> = [], lockTimeout = 3000) =>
  Migrations.pipe(
    Effect.provide(Migrations.layer({ client, lockTimeout })),
    Effect.provideService(PgClient.PgClient, sql),
    Effect.map(({ run, status }) => {
      const report = (...tracks: Parameters<typeof run>) => quietly(run(...tracks))
      return { status, report, run: (...tracks: Parameters<typeof run>) => Effect.map(report(...tracks), appliedOf) }
    })
  )

const appliedOf = ({ applied }: MigrationReport) => applied

const quietly = Effect.provide(Logger.layer([]))

/** An empty database, a client on it, and both tracks with this client track. */
export const fresh = Effect.fnUntraced(function* (client: ReadonlyArray<Migration> = []) {
  const database = yield* EmptyDatabase.create
  const sql = yield* connect(database.url)
  return { ...database, sql, ...(yield* migrationsOn(sql, client)) }
})

/** The same on a database that has our track already. */
export const migrated = Effect.fnUntraced(function* (client: ReadonlyArray<Migration> = []) {
  const database = yield* TestDatabase.create
  const sql = yield* connect(database.url)
  return { ...database, sql, ...(yield* migrationsOn(sql, client)) }
})

export const recorded = (sql: PgClient.PgClient) =>
  Effect.map(
    sql<{ id: string }>`select track || '/' || name as id from hogsend.migrations order by applied_at, name`,
    (rows) => rows.map(({ id }) => id)
  )

export const tableNames = (sql: PgClient.PgClient) =>
  Effect.map(
    sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    (rows) => rows.map(({ name }) => name)
  )
