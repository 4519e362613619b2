/**
 * The queue's own two sessions, beside the pool: requests and deliveries do not wait for each other's turn.
 *
 * Their plans never read a whole table. A plan is made once and kept, perhaps while there were ten deliveries, and would then
 * read all of the two hundred thousand that a busy minute brings, for every row that it looks for. Behind a pooler, where
 * nothing is prepared, every statement is planned as its tables are, and the host's sessions do.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"

export const ownSessions = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  if (sql.config.prepare === false) return sql
  // Before Postgres 18 a whole table that has to be read after all looks so dear that its plan is compiled, for a second.
  const startupParameters = { ...sql.config.startupParameters, enable_seqscan: "off", jit: "off" }
  // A pool opens connections by fibers in its scope. In the worker's own they would be interrupted before the worker, which
  // then waits in vain for the one that its claim began with.
  const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
  return yield* PgClient.make({ ...sql.config, maxConnections: 2, minConnections: 0, startupParameters }).pipe(
    Scope.provide(scope),
    Effect.provide(Reactivity.layer)
  )
})
