/**
 * A database of its own for a test: a copy of the migrated template on the run's server, dropped when the scope closes.
 *
 * Tests of different layers, files and projects cannot see each other's rows. With `globalSetup` a copy is all that it costs.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Layer, Redacted } from "effect"
import { administer, freshName, testServer, urlOf } from "./TestServer.ts"

/** A fresh database, scoped: `url` is for `PgClient.layer` (redacted there) or for the `DATABASE_URL` of a child. */
const create = Effect.gen(function* () {
  const { template, url } = yield* testServer
  const database = yield* Effect.acquireRelease(
    Effect.suspend(() => {
      const name = freshName("test")
      return Effect.as(administer(url, `create database ${name} template ${template}`), name)
    }),
    (name) => Effect.ignore(administer(url, `drop database if exists ${name} with (force)`))
  )
  return { database, url: urlOf(url, database) }
}).pipe(Effect.orDie)

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
