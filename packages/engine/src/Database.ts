/**
 * How the engine talks to Postgres: how long it waits, what a failure of the database means to a caller, and how a change
 * that others moved begins again.
 *
 * A database that cannot be reached, or does not answer in time, is expected and typed (`DatabaseUnavailable`, a 503 that
 * may be sent again); any other SQL failure is a defect of ours and dies. Every service maps its statements through
 * `orUnavailable`; a background loop that keeps the `SqlError` waits through `withTimeout`.
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { DatabaseUnavailable } from "@hogsend/core"
import { Effect, Layer, Result, Schema } from "effect"
import { SqlError } from "effect/sql/SqlError"
import { type Fragment, fragment, parameter } from "effect/sql/Statement"
import { boundTransactions } from "./Database/boundTransactions.ts"
import { DatabaseTaskTimeout, DatabaseTimeout, withTimeout } from "./Database/DatabaseTimeout.ts"

export { asTask, withoutTimeout, withTimeout } from "./Database/DatabaseTimeout.ts"

export interface DatabaseOptions {
  /** How long a request waits for the database at the most, in milliseconds. 10000. */
  readonly timeout?: number
  /** The same for what takes its time: erasures, and each round of housekeeping. 300000. */
  readonly taskTimeout?: number
}

export const Database = {
  /** The host's client, made safe against a database that hangs. */
  client: Layer.effect(PgClient.PgClient, Effect.map(PgClient.PgClient, boundTransactions)),

  /** For whatever runs over it. */
  timeouts: ({ taskTimeout = 300_000, timeout = 10_000 }: DatabaseOptions = {}) =>
    Layer.merge(Layer.succeed(DatabaseTimeout, timeout), Layer.succeed(DatabaseTaskTimeout, taskTimeout))
}

/** What a retry of the same transaction can mend: a deadlock or a serialization failure. */
export const isContention = (error: unknown): boolean =>
  error instanceof SqlError && ["DeadlockError", "SerializationError"].includes(error.reason._tag)

/** What a later attempt can mend, since it is not about what was asked. */
export const isUnreachable = (error: SqlError): boolean =>
  // Whatever a server says instead of letting us in: it starts, it stops, it is full, the database is closed or being moved.
  error.reason.operation === "connect" ||
  ["ConnectionError", "AuthenticationError", "StatementTimeoutError", "LockTimeoutError"].includes(error.reason._tag) ||
  isContention(error) ||
  // 53: insufficient resources (too many connections, disk full); 57P: the server is going down or coming up; 58: its disk
  // fails; 25006: it became a read-only standby; 25P03: our session slept in a transaction.
  /^(53|57P|58|25006|25P03)/.test(sqlState(error))

const sqlState = (error: SqlError): string => {
  const cause = error.reason.cause
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : ""
}

/** A database that cannot be reached, or is late, is `DatabaseUnavailable`; every other SQL failure dies. */
export const orUnavailable = <A, E, R>(
  self: Effect.Effect<A, E | SqlError, R>
): Effect.Effect<A, Exclude<E, SqlError> | DatabaseUnavailable, R> =>
  Effect.catch(withTimeout(self), (error): Effect.Effect<never, Exclude<E, SqlError> | DatabaseUnavailable> => {
    if (!(error instanceof SqlError)) return Effect.fail(error as Exclude<E, SqlError>)
    return isUnreachable(error)
      ? Effect.andThen(
          Effect.logWarning("The database cannot be reached", error.reason._tag),
          Effect.fail(DatabaseUnavailable.default)
        )
      : Effect.die(error)
  })

/** A column of many rows as one parameter: typed, since the driver cannot tell the type of nothing but nulls. */
export const column = (values: ReadonlyArray<unknown>, oid: number): Fragment =>
  fragment([parameter(Result.getOrThrow(PgTypes.array(values, oid)))])

/** The row of a statement that always answers one. */
export const oneRow = <A>(rows: ReadonlyArray<A>): Effect.Effect<A> =>
  rows[0] === undefined
    ? Effect.die(new Error("A statement that always answers a row answered none"))
    : Effect.succeed(rows[0])

/** Somebody else changed what a transaction is about between its reading and its lock: roll back, and again. */
export class Moved extends Schema.TaggedError<Moved>()("Moved", {}) {}

const mayRetry = (error: unknown): boolean => error instanceof Moved || isContention(error)

const globalLock = "4812007002"

/**
 * One transaction, as often as it takes until nothing moved under it and no deadlock ended it. Who has lost eight times takes
 * a turn under one lock for all who have, so nobody starves.
 */
export const untilStill =
  (sql: PgClient.PgClient) =>
  <A, E>(attempt: Effect.Effect<A, E>): Effect.Effect<A, Exclude<E, Moved> | SqlError> => {
    const inTurn = Effect.andThen(sql`select pg_advisory_xact_lock(${sql.literal(globalLock)})`, attempt)
    return sql.withTransaction(attempt).pipe(
      Effect.retry({ while: mayRetry, times: 8 }),
      Effect.catchIf(mayRetry, () => Effect.retry(sql.withTransaction(inTurn), { while: mayRetry, times: 100 })),
      Effect.catch((error): Effect.Effect<never, Exclude<E, Moved> | SqlError> =>
        error instanceof Moved
          ? Effect.die(new Error("What a transaction is about kept moving for 100 attempts under the global lock"))
          : Effect.fail(error as Exclude<E, Moved> | SqlError)
      )
    )
  }
