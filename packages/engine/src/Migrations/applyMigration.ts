/**
 * One migration applied and recorded: in one transaction, or alone when its text cannot run in one.
 *
 * What a host's text sets of its session ends with it, and what it does to our schema fails it: in a transaction nothing of it
 * stays. Rows of our tables are the host's honour.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import { isUnreachable, oneRow } from "../Database.ts"
import { sha256Hex } from "../SyncCrypto.ts"
import { MigrationFailed } from "./MigrationFailed.ts"
import {
  asOneStatement,
  describeFailure,
  isConcurrent,
  isEmpty,
  isWithoutTransaction,
  messageOf,
  piecesOf
} from "./migrationText.ts"
import { ourSchema } from "./ourSchema.ts"
import type { Migration } from "./trackStatus.ts"

/** `locker` is a connection that nobody else uses, and no transaction is open on it. */
export const applyMigration = Effect.fnUntraced(function* (
  {
    lockTimeout,
    locker,
    sql
  }: { readonly lockTimeout: number; readonly locker: Connection; readonly sql: PgClient.PgClient },
  track: "engine" | "client",
  migration: Migration
) {
  const theirs = track === "client"
  const fault = (error: string) => new MigrationFailed({ migration: `${track}/${migration.name}`, error })
  const failed = (describe: (error: SqlError) => string) => (error: SqlError | MigrationFailed) =>
    error._tag === "MigrationFailed" || ["ConnectionError", "LockTimeoutError"].includes(error.reason._tag)
      ? error
      : fault(describe(error))
  const unlessOursChanged = keepingOurs(sql, fault(touchesOurs))
  const record = sql`
    insert into hogsend.migrations (track, name, sha256)
    values (${track}, ${migration.name}, ${sha256Hex(migration.sql)})`

  const pieces = Effect.forEach(
    piecesOf(migration.sql),
    (piece) =>
      Effect.mapError(
        sql.unsafe(asOneStatement(piece.sql)),
        failed((error) => describeFailure(error, piece))
      ),
    { discard: true }
  )
  const inTransaction = Effect.gen(function* () {
    if (theirs) {
      yield* sql.unsafe(leaveOurSchema, [true])
      yield* unlessOursChanged(
        Effect.andThen(
          pieces,
          Effect.forEach(resetSession, (statement) => sql.unsafe(statement))
        )
      )
    } else {
      // Behind a backup it would wait for its table, and every request behind it: it steps back and tries again.
      yield* sql`select set_config('lock_timeout', ${String(lockTimeout)}, true)`
      yield* pieces
    }
    yield* record
  }).pipe(
    sql.withTransaction,
    Effect.retry({ while: isLockTimeout, schedule: Schedule.spaced(lockTimeout), times: 100 }),
    Effect.catchIf(isLockTimeout, () => fault(tableBusy))
  )

  const execute = (statement: string, ...parameters: ReadonlyArray<unknown>) =>
    locker.execute(statement, parameters, undefined)
  const statement = Effect.mapError(
    locker.executeUnprepared(migration.sql, [], undefined),
    failed((error) => `${describeFailure(error, { sql: migration.sql, line: 1 })}${leftBy(migration)}`)
  )
  const alone = Effect.gen(function* () {
    if (theirs) {
      // It may have opened a transaction, which would stay open.
      const reset = Effect.forEach(["rollback", ...resetSession], (one) => Effect.ignore(execute(one)))
      yield* unlessOursChanged(Effect.ensuring(Effect.andThen(execute(leaveOurSchema, false), statement), reset))
    } else yield* statement
    yield* record
  })

  // Written later, it would be a change of what was applied.
  if (theirs && isEmpty(migration.sql)) return yield* fault(emptyText)
  // What else fails does so at the commit: a constraint that was deferred.
  yield* Effect.mapError(isWithoutTransaction(migration.sql) ? alone : inTransaction, failed(messageOf))
  yield* Effect.logInfo(`Migrated ${track}/${migration.name}`)
})

/** Fails when a text has changed what is ours, so that what it did is taken back, where it can be. */
const keepingOurs =
  (sql: PgClient.PgClient, changed: MigrationFailed) =>
  <E>(text: Effect.Effect<unknown, E>) =>
    Effect.gen(function* () {
      const fingerprint = Effect.flatMap(sql.unsafe<{ fingerprint: string }>(ourSchema), oneRow)
      const before = yield* fingerprint
      yield* text
      const after = yield* Effect.mapError(fingerprint, (error) => (isUnreachable(error) ? error : changed))
      if (after.fingerprint !== before.fingerprint) return yield* changed
    })

const isLockTimeout = (error: unknown): error is SqlError =>
  error instanceof SqlError && error.reason._tag === "LockTimeoutError"

/**
 * The names of a client's text without a schema are the client's own: a role named `hogsend` has our schema first on its
 * path. The parameter says whether it holds for the transaction only.
 */
const leaveOurSchema = "select set_config('search_path', 'public', $1) where current_schema() = 'hogsend'"

const resetSession = ["reset session authorization", "reset all"]

const tableBusy =
  "somebody holds one of its tables all the time, a backup or a long transaction; wait for its end, or stop it, and start again"

const emptyText = "it has no statement; write one, or delete the file"

const touchesOurs =
  "it changes the schema hogsend, or makes something depend on it; keep to tables of your own, and refer to people by contact key, as text"

const leftBy = ({ sql }: Migration) =>
  isConcurrent(sql) ? "; drop the invalid index that it may have left, and migrate again" : ""
