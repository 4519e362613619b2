/**
 * The database of the server: the one that is named, or else the embedded one in the data folder.
 *
 * Answers a client on it, and where it is. A database that is named and cannot be used is a line that says so.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Context, Effect, Layer, type Redacted, Schema } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { EmbeddedPostgres, type EmbeddedPostgresFailed } from "./EmbeddedPostgres.ts"

export interface PostgresOptions {
  readonly databaseUrl: Redacted.Redacted<string> | undefined
  /** What the URL is called where it was written, for what is wrong with it. `DATABASE_URL`. */
  readonly databaseSetting?: string
  /** For the embedded database. */
  readonly dataDirectory: string
  readonly poolMax: number
  /**
   * When Postgres ends a session that holds a transaction open and says nothing, in milliseconds. 60000. A machine that dies
   * or loses its network in a transaction would keep its locks for hours.
   */
  readonly idleInTransactionTimeout?: number
}

/** The named database refuses us, or is not there. */
export class DatabaseRefused extends Schema.TaggedError<DatabaseRefused>()("DatabaseRefused", {
  error: Schema.String
}) {
  override get message() {
    return this.error
  }
}

/** The database of the server: the one that is named, or else the embedded one. */
export class Postgres extends Context.Service<
  Postgres,
  {
    readonly embedded: boolean
    /** The data folder that is really used. */
    readonly dataDirectory: string
    /** The one asked for, when the database's user cannot reach it. */
    readonly standsInFor: string | undefined
  }
>()("node/Postgres") {
  static readonly layer = (
    options: PostgresOptions
  ): Layer.Layer<Postgres | PgClient.PgClient | SqlClient, DatabaseRefused | EmbeddedPostgresFailed | SqlError> => {
    const pool = {
      maxConnections: options.poolMax,
      applicationName: "hogsend",
      connectTimeout: "10 seconds",
      // A connection that died without a word while nobody used it is found out within twenty seconds.
      keepAlive: "10 seconds",
      startupParameters: { idle_in_transaction_session_timeout: String(options.idleInTransactionTimeout ?? 60_000) }
    } as const
    if (options.databaseUrl !== undefined) {
      const named = Layer.succeed(
        Postgres,
        Postgres.of({ embedded: false, dataDirectory: options.dataDirectory, standsInFor: undefined })
      )
      const client = PgClient.layer({ ...pool, url: options.databaseUrl })
      return Layer.merge(
        named,
        Layer.provideMerge(Layer.effectDiscard(reachable(options.databaseSetting ?? "DATABASE_URL")), client)
      )
    }
    return Layer.unwrap(
      Effect.map(EmbeddedPostgres, ({ clientConfig, dataDirectory, standsInFor }) =>
        Layer.merge(
          PgClient.layer({ ...pool, ...clientConfig }),
          Layer.succeed(Postgres, Postgres.of({ embedded: true, dataDirectory, standsInFor }))
        )
      )
    ).pipe(Layer.provide(EmbeddedPostgres.layer({ dataDirectory: options.dataDirectory })))
  }
}

const oldest = 150_000

const reachable = (setting: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const [row] = yield* sql<{ version: number }>`select current_setting('server_version_num')::int as version`
    if (row === undefined || row.version < oldest) {
      return yield* new DatabaseRefused({ error: `${setting} names a Postgres older than 15; use a newer one` })
    }
  }).pipe(
    Effect.catchTag("SqlError", ({ reason }) => {
      const why = reason.cause instanceof Error ? reason.cause.message : reason._tag
      return new DatabaseRefused({
        error: `${setting} cannot be used: ${why}; check its host, port, user and database`
      })
    })
  )
