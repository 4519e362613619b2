/**
 * `ingest-batch`: what it costs to store events that arrive in batches, over a few connections.
 *
 * Ours, the real server's `POST /v1/events/batch`, against pgbench storing the same rows through `unnest` in transactions
 * of the same size. On one durable Postgres, each on databases of its own, in rounds that take turns.
 */
import { Console, Effect } from "effect"
import type { Bench, Report } from "./Bench.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { requirePrograms } from "./ChildProgram.ts"
import { type Contender, roundsOf } from "./Contender.ts"
import { columns, fastestOf, notesOf, rowOf, runInTurn, type Turns } from "./Contest.ts"
import { startHogsend } from "./HogsendProgram.ts"
import { bySql } from "./ingest/bySql.ts"
import { filledDatabase } from "./ingest/filledDatabase.ts"
import { overHttp } from "./ingest/overHttp.ts"
import { pgbenchBatchScript, pgbenchBatchVariables } from "./ingest/pgbenchBatchScript.ts"
import { traffic } from "./ingest/traffic.ts"
import { pgbenchProgram } from "./pgbench.ts"
import { wrkProgram } from "./wrk.ts"

const connections = 6

/** How much is measured. */
interface Plan extends Turns {
  readonly batches: ReadonlyArray<number>
  readonly clients: ReadonlyArray<number>
}

const ingestBatchWith = (plan: Plan): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const { version } = yield* BenchPostgres
    const [ourUrl, pgbenchUrl] = [yield* filledDatabase, yield* filledDatabase]
    const target = yield* startHogsend(ourUrl)
    yield* Console.error("looking for pgbench's best number of clients")
    const contenders = yield* Effect.forEach(plan.batches, (batch) => {
      const sql = { script: pgbenchBatchScript, variables: pgbenchBatchVariables(batch), eventsPerTransaction: batch }
      return Effect.map(
        fastestOf(
          plan.clients.map((clients) => bySql(pgbenchUrl, { ...sql, clients })),
          roundsOf(3)
        ),
        (pgbench): ReadonlyArray<Contender> => [
          overHttp(`Hogsend, ${batch}`, ourUrl, target, { connections, batch }),
          { ...pgbench, name: `${pgbench.name}, ${batch}` }
        ]
      )
    })
    const series = yield* runInTurn(contenders.flat(), plan.rounds, roundsOf(plan.seconds))
    return {
      columns: ["events in batches", ...columns],
      rows: series.map((one, at) => {
        const before = series[at - 1]
        return at % 2 === 0 || before === undefined
          ? rowOf(one, { goal: "≥ 30,000/s" })
          : rowOf(one, { ours: before, goal: "≥ 0.5" })
      }),
      notes: yield* notesOf(series, plan),
      postgres: version,
      numbers: { traffic, connections, series }
    }
  }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer({ durable: true })), (run) =>
    Effect.andThen(requirePrograms([wrkProgram, pgbenchProgram]), run)
  )

/** The plan that the goals are judged by: about three minutes. */
export const ingestBatch: Bench = {
  description: "events in batches of 100 and 500, against pgbench and unnest",
  run: ingestBatchWith({ rounds: 3, seconds: 8, batches: [100, 500], clients: [2, 4, 8] })
}
