/**
 * A real Postgres for one run, with databases that hold the engine's schema and nothing else.
 *
 * It is the embedded one, in a temporary folder of this checkout. It flushes every commit to disk only when
 * asked to be durable: a bench that compares itself with itself is stricter without, since a flush that always takes as
 * long would hide what grows. All of it is removed at the end; what a killed run left the next one takes over.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import type { DatabaseUnavailable } from "@hogsend/core"
import { type MigrationFailed, Migrations } from "@hogsend/engine"
import { EmbeddedPostgres } from "@hogsend/node"
import { Context, Effect, Layer, Logger, Redacted, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { createHash, randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Two checkouts, two users and the two kinds do not share one. */
const dataDirectoryOf = (durable: boolean) =>
  join(
    tmpdir(),
    `hogsend-bench-${process.getuid?.() ?? "user"}-${createHash("sha256")
      .update(`${import.meta.dirname} ${durable}`)
      .digest("hex")
      .slice(0, 8)}`
  )

/** The run's server and the databases on it. */
export class BenchPostgres extends Context.Service<
  BenchPostgres,
  {
    /** For example `18.4`. */
    readonly version: string
    /** Where its files are. */
    readonly dataDirectory: string
    /** The process whose children serve the connections. */
    readonly postmaster: number
    /** The connection string of a fresh, migrated database, which goes with the scope. */
    readonly create: Effect.Effect<
      Redacted.Redacted<string>,
      SqlError | DatabaseUnavailable | MigrationFailed,
      Scope.Scope
    >
  }
>()("bench/BenchPostgres") {
  /** Starts the server, and stops and removes it when the scope closes and no other run uses it. */
  static readonly layer = ({ durable = false }: { readonly durable?: boolean } = {}) =>
    Layer.effect(
      BenchPostgres,
      Effect.gen(function* () {
        const { dataDirectory, url } = yield* EmbeddedPostgres
        const administer = (statement: string) =>
          PgConnection.make({ url: Redacted.make(url) }).pipe(
            Effect.flatMap((connection) => connection.query(statement)),
            Effect.scoped
          )
        const { rows } = yield* administer(
          "select current_setting('server_version') as version, pg_read_file('postmaster.pid') as postmaster"
        )
        const create = Effect.gen(function* () {
          const name = `bench_${randomBytes(6).toString("hex")}`
          yield* Effect.acquireRelease(administer(`create database ${name}`), () =>
            Effect.ignore(administer(`drop database if exists ${name} with (force)`))
          )
          const address = new URL(url)
          address.pathname = `/${name}`
          const fresh = Redacted.make(address.href)
          yield* migrate(fresh)
          return fresh
        })
        return BenchPostgres.of({
          version: String(rows[0]?.["version"]),
          dataDirectory,
          postmaster: Number.parseInt(String(rows[0]?.["postmaster"]), 10),
          create
        })
      })
    ).pipe(Layer.provide(EmbeddedPostgres.layer({ dataDirectory: dataDirectoryOf(durable), throwaway: true, durable })))
}

const migrate = (url: Redacted.Redacted<string>) =>
  Effect.flatMap(Migrations, (migrations) => migrations.run(["engine"])).pipe(
    Effect.provide(Layer.provide(Migrations.layer(), PgClient.layer({ url, maxConnections: 3 }))),
    Effect.provide(Logger.layer([]))
  )
