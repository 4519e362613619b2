/** Transactions of somebody else, open while the test goes on. */
import { PgClient } from "@effect/sql-pg"
import { Deferred, Effect, Fiber } from "effect"
import type { SqlError } from "effect/sql/SqlError"

/** Does the work on a connection of its own, and stays open until it is told how to end. */
export const openTransaction = Effect.fnUntraced(function* (work: Effect.Effect<unknown, SqlError>) {
  const sql = yield* PgClient.PgClient
  const done = yield* Deferred.make<void>()
  const end = yield* Deferred.make<void>()
  const transaction = yield* work.pipe(
    Effect.andThen(Deferred.succeed(done, undefined)),
    Effect.andThen(Deferred.await(end)),
    sql.withTransaction,
    Effect.forkChild
  )
  yield* Effect.raceFirst(Deferred.await(done), Fiber.join(transaction))
  return {
    commit: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(transaction)),
    rollback: Fiber.interrupt(transaction)
  }
})

/** Until some transaction on this database waits for a lock. */
export const somebodyWaits = Effect.flatMap(PgClient.PgClient, (sql) =>
  sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.pipe(
    Effect.delay(5),
    Effect.repeat({ until: (waiting) => waiting.length > 0 }),
    Effect.timeout(4000),
    Effect.orDie
  )
)
