/**
 * How the engine talks to Postgres: what a failure of the database means to a caller.
 *
 * A database that cannot be reached is expected and typed (`DatabaseUnavailable`, a 503 that may be sent again); any
 * other SQL failure is a defect of ours and dies. Every service maps its statements through `orUnavailable`.
 */
import { DatabaseUnavailable } from "@hogsend/core"
import { Effect } from "effect"
import { SqlError } from "effect/sql/SqlError"

/** What a retry of the same transaction can mend: a deadlock or a serialization failure. */
export const isContention = (error: unknown): boolean =>
  error instanceof SqlError && ["DeadlockError", "SerializationError"].includes(error.reason._tag)

const isUnreachable = (error: SqlError): boolean =>
  // Whatever a server says instead of letting us in: it starts, it stops, it is full, the database is closed or being moved.
  error.reason.operation === "connect" ||
  ["ConnectionError", "AuthenticationError", "StatementTimeoutError", "LockTimeoutError"].includes(error.reason._tag) ||
  isContention(error) ||
  // 53: insufficient resources (too many connections, disk full); 57P: the server is going down or coming up; 25006: it
  // became a read-only standby.
  /^(53|57P|25006)/.test(sqlState(error))

const sqlState = (error: SqlError): string => {
  const cause = error.reason.cause
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : ""
}

/** A database that cannot be reached is `DatabaseUnavailable`; every other SQL failure dies. */
export const orUnavailable = <A, E, R>(
  self: Effect.Effect<A, E | SqlError, R>
): Effect.Effect<A, Exclude<E, SqlError> | DatabaseUnavailable, R> =>
  Effect.catch(self, (error): Effect.Effect<never, Exclude<E, SqlError> | DatabaseUnavailable> => {
    if (!(error instanceof SqlError)) return Effect.fail(error as Exclude<E, SqlError>)
    return isUnreachable(error)
      ? Effect.andThen(
          Effect.logWarning("The database cannot be reached", error.reason._tag),
          Effect.fail(DatabaseUnavailable.default)
        )
      : Effect.die(error)
  })

/** The row of a statement that always answers one. */
export const oneRow = <A>(rows: ReadonlyArray<A>): Effect.Effect<A> =>
  rows[0] === undefined
    ? Effect.die(new Error("A statement that always answers a row answered none"))
    : Effect.succeed(rows[0])
