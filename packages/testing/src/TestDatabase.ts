/**
 * A database of its own for a test: a copy of the migrated template on the run's server, dropped when the scope closes.
 *
 * Tests of different layers, files and projects cannot see each other's rows. It needs `globalSetup`.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Layer, Redacted } from "effect"
import { inject } from "vitest"
import { administer, freshName, urlOf } from "./TestServer.ts"

/** A fresh database, scoped: `url` is for `PgClient.layer` (redacted there) or for the `DATABASE_URL` of a child. */
const create = Effect.acquireRelease(
  Effect.suspend(() => {
    const server = inject("hogsendPostgres")
    const database = freshName("test")
    return Effect.as(administer(server.url, `create database ${database} template ${server.template}`), {
      database,
      url: urlOf(server.url, database),
      server
    })
  }),
  ({ database, server }) => Effect.ignore(administer(server.url, `drop database if exists ${database} with (force)`))
).pipe(
  Effect.map(({ database, url }) => ({ database, url })),
  Effect.orDie
)

/**
 * Fresh databases for tests: `layer` gives a client on one, `create` the name and connection string of one.
 *
 * ```ts
 * layer(TestDatabase.layer)("Contacts", (it) => {
 *   it.effect("starts empty", () => Effect.flatMap(PgClient.PgClient, (sql) => sql`select 1`))
 * })
 * ```
 */
export const TestDatabase = {
  create,
  layer: Layer.unwrap(
    Effect.map(create, ({ url }) => PgClient.layer({ url: Redacted.make(url), maxConnections: 10 }))
  ).pipe(Layer.orDie)
}
