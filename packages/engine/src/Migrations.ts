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
import { Context, Effect, Layer, Schedule } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import { oneRow, orUnavailable, withoutTimeout } from "./Database.ts"
import { engineMigrations } from "./Migrations/engineMigrations.ts"
import { applyMigration } from "./Migrations/applyMigration.ts"
import { MigrationFailed } from "./Migrations/MigrationFailed.ts"
import { asOneStatement, messageOf } from "./Migrations/migrationText.ts"
import { type AppliedMigration, type Migration, pendingOf, renamesOf, trackStatus } from "./Migrations/trackStatus.ts"

export { MigrationFailed } from "./Migrations/MigrationFailed.ts"
export type { Migration } from "./Migrations/trackStatus.ts"

export interface MigrationsOptions {
  /** The host app's track, in order; Drizzle's files as they are. */
  readonly client?: ReadonlyArray<Migration>
  /** How long one of ours waits for a table, and then for its next of 100 tries, in milliseconds. 3000. */
  readonly lockTimeout?: number
}

/** What a run did, and what it found that somebody should know. Every name is a `track/name`. */
export interface MigrationReport {
  /** What it applied, in order. */
  readonly applied: ReadonlyArray<string>
  /** Of `applied`: what stands before one that an earlier run applied. */
  readonly outOfOrder: ReadonlyArray<string>
  /** What was applied already, under a name that is gone, with the same content: the record has the new name now. */
  readonly renamed: ReadonlyArray<{ readonly from: string; readonly to: string }>
  /** What was applied already and is not there any more: it was deleted, or a newer version of the code applied it. */
  readonly unknown: ReadonlyArray<string>
}

export interface TrackStatuses {
  readonly engine: TrackStatus
  readonly client: TrackStatus
}

/** Applies and reports both migration tracks: `engine`, ours, and `client`, the host app's. */
export class Migrations extends Context.Service<
  Migrations,
  {
    /** Where both tracks stand. */
    readonly status: Effect.Effect<TrackStatuses, MigrationFailed | DatabaseUnavailable>
    /** Applies what is pending of the named tracks, engine first. What was applied before one that fails stays. */
    readonly run: (
      tracks: ReadonlyArray<"engine" | "client">
    ) => Effect.Effect<MigrationReport, MigrationFailed | DatabaseUnavailable>
  }
>()("engine/Migrations") {
  static readonly layer = (options: MigrationsOptions = {}) =>
    Layer.effect(
      Migrations,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const lockTimeout = options.lockTimeout ?? 3000
        const tracks = { engine: engineMigrations, client: options.client ?? [] }

        const ledger = Effect.gen(function* () {
          const { exists } = yield* Effect.flatMap(
            sql<{ exists: boolean }>`select to_regclass('hogsend.migrations') is not null as exists`,
            oneRow
          )
          return exists
            ? yield* sql<AppliedMigration>`select track, name, sha256 from hogsend.migrations order by applied_at, name`
            : []
        }).pipe(orRecordClosed)

        const status = ledger.pipe(
          Effect.map((rows): TrackStatuses => ({
            engine: trackStatus("engine", tracks.engine, rows),
            client: trackStatus("client", tracks.client, rows)
          })),
          orUnavailable,
          Effect.withSpan("Migrations.status")
        )

        const run = Effect.fn("Migrations.run")(
          function* (which: ReadonlyArray<"engine" | "client">) {
            // The lock belongs to its connection, so it is gone when we are.
            const locker = yield* sql.reserve
            yield* takeLock(locker)
            yield* Effect.addFinalizer(() =>
              Effect.ignore(locker.execute("select pg_advisory_unlock($1::bigint)", [migrationLock], undefined))
            )
            yield* orRecordClosed(sql.unsafe(createLedger))
            const report: Building<MigrationReport> = { applied: [], outOfOrder: [], renamed: [], unknown: [] }
            for (const track of ["engine", "client"] as const) {
              if (!which.includes(track)) continue
              const required = tracks[track]
              const id = (name: string) => `${track}/${name}`
              const twice = required.find(({ name }, index) => required.findIndex((one) => one.name === name) < index)
              if (twice !== undefined) {
                return yield* new MigrationFailed({ migration: id(twice.name), error: "two migrations have this name" })
              }
              const found = yield* ledger
              const [changed] = trackStatus(track, required, found).changed
              if (changed !== undefined) {
                return yield* new MigrationFailed({
                  migration: id(changed),
                  error: "it was applied with another content; restore its text and put the change into a new migration"
                })
              }
              for (const { from, to } of renamesOf(track, required, found)) {
                yield* sql`update hogsend.migrations set name = ${to} where track = ${track} and name = ${from}`
                report.renamed.push({ from: id(from), to: id(to) })
              }
              const rows = yield* ledger
              const status = trackStatus(track, required, rows)
              report.unknown.push(...status.unknown.map(id))
              report.outOfOrder.push(...status.outOfOrder.map(id))
              for (const migration of pendingOf(track, required, rows)) {
                yield* applyMigration({ sql, lockTimeout, locker }, track, migration)
                report.applied.push(id(migration.name))
              }
            }
            return report
          },
          Effect.scoped,
          orUnavailable,
          withoutTimeout
        )

        return Migrations.of({ status, run })
      })
    )
}

type Building<A> = { [Name in keyof A]: A[Name] extends ReadonlyArray<infer One> ? Array<One> : never }

const migrationLock = "4812007001"

const createLedger = asOneStatement(`
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
