/**
 * The two migration tracks: `engine` (ours, the tables of the schema `hogsend`) and `client` (the host app's own).
 *
 * A migration is SQL text with a name; what was applied is a row of `hogsend.migrations` with the SHA-256 of its text, so
 * drift is judged by name and content, in both directions. One lock for both tracks, engine first, one transaction a
 * migration; a text that starts with `-- no transaction` holds one statement that must run outside of one.
 */
import { PgClient } from "@effect/sql-pg"
import type { TrackStatus } from "@hogsend/core"
import { type DatabaseUnavailable } from "@hogsend/core"
import { Context, Effect, Layer, Schedule, Schema } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import { oneRow, orUnavailable, withoutTimeout } from "./Database.ts"
import { engineMigrations } from "./Migrations/engineMigrations.ts"
import {
  asOneStatement,
  describeFailure,
  isWithoutTransaction,
  messageOf,
  piecesOf
} from "./Migrations/migrationText.ts"
import { type AppliedMigration, type Migration, pendingOf, trackStatus } from "./Migrations/trackStatus.ts"
import { sha256Hex } from "./SyncCrypto.ts"

export type { Migration } from "./Migrations/trackStatus.ts"

/**
 * A migration failed, or one that was applied has another content now. `migration` is its `track/name`, or `hogsend.migrations`
 * when the record itself is closed to us.
 */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  migration: Schema.String,
  error: Schema.String
}) {}

export interface MigrationsOptions {
  /** The host app's track, in order; Drizzle's files as they are. */
  readonly client?: ReadonlyArray<Migration>
  /** How long one of ours waits for a table, and then for its next of 100 tries, in milliseconds. 3000. */
  readonly lockTimeout?: number
}

export interface TrackStatuses {
  readonly engine: TrackStatus
  readonly client: TrackStatus
}

export class Migrations extends Context.Service<
  Migrations,
  {
    /** Where both tracks stand. */
    readonly status: Effect.Effect<TrackStatuses, MigrationFailed | DatabaseUnavailable>
    /** Applies what is pending of the named tracks, engine first, and answers their `track/name`s. */
    readonly run: (
      tracks: ReadonlyArray<"engine" | "client">
    ) => Effect.Effect<ReadonlyArray<string>, MigrationFailed | DatabaseUnavailable>
  }
>()("engine/Migrations") {
  static readonly layer = (options: MigrationsOptions = {}) =>
    Layer.effect(
      Migrations,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const lockTimeout = options.lockTimeout ?? 3000
        const tracks = { engine: engineMigrations, client: options.client ?? [] }

        const applied = Effect.gen(function* () {
          const { exists } = yield* Effect.flatMap(
            sql<{ exists: boolean }>`select to_regclass('hogsend.migrations') is not null as exists`,
            oneRow
          )
          return exists
            ? yield* sql<AppliedMigration>`select track, name, sha256 from hogsend.migrations order by applied_at, name`
            : []
        }).pipe(orRecordClosed)

        const status = applied.pipe(
          Effect.map((rows): TrackStatuses => ({
            engine: trackStatus("engine", tracks.engine, rows),
            client: trackStatus("client", tracks.client, rows)
          })),
          orUnavailable,
          Effect.withSpan("Migrations.status")
        )

        const apply = Effect.fnUntraced(function* (
          track: "engine" | "client",
          migration: Migration,
          locker: Connection
        ) {
          const failed = (describe: (error: SqlError) => string) => (error: SqlError | MigrationFailed) =>
            error._tag === "MigrationFailed" || ["ConnectionError", "LockTimeoutError"].includes(error.reason._tag)
              ? error
              : new MigrationFailed({ migration: `${track}/${migration.name}`, error: describe(error) })
          const record = sql`
            insert into hogsend.migrations (track, name, sha256)
            values (${track}, ${migration.name}, ${sha256Hex(migration.sql)})`

          const inTransaction = Effect.gen(function* () {
            if (track === "client") yield* sql.unsafe(leaveOurSchema, [true])
            // Behind a backup it would wait for its table, and every request behind it: it steps back and tries again.
            else yield* sql`select set_config('lock_timeout', ${String(lockTimeout)}, true)`
            for (const piece of piecesOf(migration.sql)) {
              yield* Effect.mapError(
                sql.unsafe(asOneStatement(piece.sql)),
                failed((error) => describeFailure(error, piece))
              )
            }
            yield* record
          }).pipe(
            sql.withTransaction,
            Effect.retry({ while: isLockTimeout, schedule: Schedule.spaced(lockTimeout), times: 100 }),
            Effect.catchIf(
              isLockTimeout,
              () => new MigrationFailed({ migration: `${track}/${migration.name}`, error: tableBusy })
            )
          )

          // On the connection of the lock, which nobody else uses.
          const alone = Effect.gen(function* () {
            if (track === "client") yield* locker.execute(leaveOurSchema, [false], undefined)
            yield* Effect.mapError(
              locker.executeUnprepared(migration.sql, [], undefined),
              failed((error) => describeFailure(error, { sql: migration.sql, line: 1 }))
            )
            yield* record
          }).pipe(Effect.ensuring(Effect.ignore(locker.execute("reset search_path", [], undefined))))

          // What else fails does so at the commit: a constraint that was deferred.
          yield* Effect.mapError(isWithoutTransaction(migration.sql) ? alone : inTransaction, failed(messageOf))
          yield* Effect.logInfo(`Migrated ${track}/${migration.name}`)
        })

        const run = Effect.fn("Migrations.run")(
          function* (which: ReadonlyArray<"engine" | "client">) {
            // The lock belongs to its connection, so it is gone when we are.
            const locker = yield* sql.reserve
            yield* takeLock(locker)
            yield* Effect.addFinalizer(() =>
              Effect.ignore(locker.execute("select pg_advisory_unlock($1::bigint)", [migrationLock], undefined))
            )
            yield* orRecordClosed(sql.unsafe(ledger))
            const done: Array<string> = []
            for (const track of ["engine", "client"] as const) {
              if (!which.includes(track)) continue
              const rows = yield* applied
              const { changed } = trackStatus(track, tracks[track], rows)
              if (changed[0] !== undefined) {
                return yield* new MigrationFailed({
                  migration: `${track}/${changed[0]}`,
                  error: "it was applied with another content; restore its text and put the change into a new migration"
                })
              }
              for (const migration of pendingOf(track, tracks[track], rows)) {
                yield* apply(track, migration, locker)
                done.push(`${track}/${migration.name}`)
              }
            }
            return done
          },
          Effect.scoped,
          orUnavailable,
          withoutTimeout
        )

        return Migrations.of({ status, run })
      })
    )
}

const isLockTimeout = (error: unknown): error is SqlError =>
  error instanceof SqlError && error.reason._tag === "LockTimeoutError"

const tableBusy =
  "somebody holds one of its tables all the time, a backup or a long transaction; wait for its end, or stop it, and start again"

const migrationLock = "4812007001"

/**
 * The names of a client's text without a schema are the client's own: a role named `hogsend` has our schema first on its
 * path. The parameter says whether it holds for the transaction only.
 */
const leaveOurSchema = "select set_config('search_path', 'public', $1) where current_schema() = 'hogsend'"

const ledger = asOneStatement(`
  create schema if not exists hogsend;
  create table if not exists hogsend.migrations (
    track text not null,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now(),
    primary key (track, name)
  )`)

/** Asked for again and again: a session that waits for it inside of Postgres would hold up `create index concurrently`. */
const takeLock = (locker: Connection) =>
  locker.execute("select pg_try_advisory_lock($1::bigint) as taken", [migrationLock], undefined).pipe(
    Effect.map(([row]) => row?.taken === true),
    Effect.repeat({ until: (taken) => taken, schedule: Schedule.spaced("50 millis") })
  )

const orRecordClosed = <A, E>(self: Effect.Effect<A, E | SqlError>) =>
  Effect.mapError(self, (error) =>
    error instanceof SqlError && error.reason._tag === "AuthorizationError"
      ? new MigrationFailed({
          migration: "hogsend.migrations",
          error: `${messageOf(error)}; give the role of DATABASE_URL the rights on this database`
        })
      : error
  )
