/**
 * Both migration tracks, for a host app: the engine's and then the host's own, under one lock, so that any number of
 * processes may start it at the same moment. It prints nothing.
 */
import { type MigrationReport, Migrations } from "@hogsend/engine"
import { Effect, Logger, Redacted, Result } from "effect"
import { settings } from "./Environment.ts"
import { DatabaseRefused, Postgres } from "./Postgres.ts"
import { readMigrations } from "./readMigrations.ts"

/** What both tracks are applied with. */
export interface MigrationOptions {
  /**
   * The folder of the host app's own migrations: Drizzle's output as it is, or plain `.sql` files. A relative one is relative
   * to where the process was started. Without it there is only the engine's track.
   */
  readonly clientMigrations?: string | undefined
  /** Which tracks; the engine's comes first in any case. Both. */
  readonly tracks?: ReadonlyArray<"engine" | "client"> | undefined
}

/** What `migrate` is told. */
export interface MigrateOptions extends MigrationOptions {
  /** The connection string, `postgres://user:password@host:5432/database`. */
  readonly database: string | Redacted.Redacted<string>
}

/** `migrate` over a `PgClient` that is there. It logs each migration that it applies. */
export const runMigrations = Effect.fn("runMigrations")(function* ({ clientMigrations, tracks }: MigrationOptions) {
  const client = yield* readMigrations(clientMigrations)
  const migrations = Effect.provide(Migrations, Migrations.layer({ client }))
  return yield* Effect.flatMap(migrations, ({ run }) => run(tracks ?? ["engine", "client"]))
})

/**
 * Brings a database up to date, and answers what it did, as `track/name`s.
 *
 * Rejects with `MigrationFailed` (a migration fails, or was edited after it was applied; those before it stay), `MigrationsUnreadable`
 * (the folder is not there, or not whole), `DatabaseRefused` or `DatabaseUnavailable`.
 *
 * ```ts
 * const { applied } = await migrate({ database: "postgres://postgres@localhost/shop", clientMigrations: "migrations" })
 * ```
 */
export const migrate = ({ database, ...options }: MigrateOptions): Promise<MigrationReport> =>
  Effect.gen(function* () {
    // A variable that is not set is no text, whatever its type says.
    const url = settings.databaseUrl.read(String(Redacted.isRedacted(database) ? Redacted.value(database) : database))
    if (Result.isFailure(url)) return yield* new DatabaseRefused({ error: `${databaseSetting} ${url.failure}` })
    const databaseUrl = Redacted.make(url.success ?? "")
    // A connection for the lock, one for the migration, and one to spare; the folder is that of an embedded database.
    const postgres = Postgres.layer({ databaseUrl, databaseSetting, dataDirectory: "", poolMax: 3 })
    return yield* Effect.provide(runMigrations(options), postgres)
  }).pipe(Effect.provide(Logger.layer([])), Effect.runPromise)

const databaseSetting = "The option database"
