/**
 * A client whose transactions end, whatever becomes of the database.
 *
 * The driver lets nobody interrupt `begin`, `commit` and `rollback`, so on a server that hangs they would hold their caller
 * and their connection until TCP gives up. Here they have the caller's timeout, and one that is late takes its connection
 * with it: nobody else gets a session in the middle of a transaction. A rollback that a dead connection makes needless
 * is no failure; what the transaction failed with is.
 */
import type { PgClient, PgConnection } from "@effect/sql-pg"
import { Effect } from "effect"
import { makeWithTransaction } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import { DatabaseTimeout, late, withoutTimeout } from "./DatabaseTimeout.ts"

export const boundTransactions = (sql: PgClient.PgClient): PgClient.PgClient => {
  const control = (connection: Connection, statement: string) =>
    Effect.flatMap(DatabaseTimeout, (timeout) =>
      Effect.timeoutOrElse(connection.executeRaw(statement, []), {
        duration: timeout,
        orElse: () => Effect.andThen(retire(connection), Effect.fail(late()))
      })
    )

  const cleanUp = (connection: Connection, statement: string) =>
    Effect.catch(Effect.asVoid(control(connection, statement)), () => retire(connection))

  const transact = makeWithTransaction({
    transactionService: sql.transactionService,
    spanAttributes: [["db.system.name", "postgresql"]],
    acquireConnection: (restore) => restore(sql.reserve),
    begin: (connection, statement) => Effect.asVoid(control(connection, statement ?? "BEGIN")),
    savepoint: (connection, id) => Effect.asVoid(control(connection, `SAVEPOINT level_${id}`)),
    commit: (connection) => Effect.flatMap(control(connection, "COMMIT"), orRolledBack),
    rollback: (connection) => cleanUp(connection, "ROLLBACK"),
    rollbackSavepoint: (connection, id) => cleanUp(connection, `ROLLBACK TO SAVEPOINT level_${id}`),
    releaseSavepoint: (connection, id) => cleanUp(connection, `RELEASE SAVEPOINT level_${id}`)
  })
  const withTransaction = <A, E, R>(self: Effect.Effect<A, E, R>) => transact(withoutTimeout(self))
  return Object.assign(sql.bind(undefined), sql, { withTransaction })
}

/** The pool gives it to nobody any more, and closes it. Of a connection that is dead already there is nothing to do. */
const retire = (connection: Connection): Effect.Effect<void> =>
  // The driver's connection holds its session, which its type does not tell.
  (connection as Connection & { readonly connection: PgConnection.PgConnection }).connection.interrupt

/** Postgres answers `ROLLBACK` to the commit of a transaction in which a statement failed. */
const orRolledBack = (result: unknown): Effect.Effect<void, SqlError> =>
  typeof result === "object" && result !== null && "command" in result && result.command === "ROLLBACK"
    ? Effect.fail(
        new SqlError({
          reason: new UnknownError({ cause: new Error("The transaction was rolled back"), operation: "commit" })
        })
      )
    : Effect.void
