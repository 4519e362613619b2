/**
 * `ingest`: what it costs to store one event for good, over 64 connections.
 *
 * Ours, the real server, against a handler that a team would write by hand (`ingest/peer`) and against pgbench doing
 * nothing but that handler's SQL. All on one durable Postgres, each on a database of its own with the same contacts, in
 * rounds that take turns. The peer's pool and pgbench's clients are as many as are fastest on this machine.
 */
import { Console, Effect, Redacted } from "effect"
import { addSecretKey } from "./addSecretKey.ts"
import type { Bench, Report } from "./Bench.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { requirePrograms, startNode } from "./ChildProgram.ts"
import { roundsOf } from "./Contender.ts"
import { columns, fastestOf, notesOf, rowOf, runInTurn, type Turns } from "./Contest.ts"
import { startHogsend, type Target } from "./HogsendProgram.ts"
import { bySql } from "./ingest/bySql.ts"
import { filledDatabase } from "./ingest/filledDatabase.ts"
import { overHttp } from "./ingest/overHttp.ts"
import { pgbenchScript, pgbenchVariables } from "./ingest/pgbenchScript.ts"
import { traffic } from "./ingest/traffic.ts"
import { pgbenchProgram } from "./pgbench.ts"
import { wrkProgram } from "./wrk.ts"

const connections = 64

/** How much is measured. */
interface Plan extends Turns {
  readonly poolSizes: ReadonlyArray<number>
  readonly clients: ReadonlyArray<number>
}

const goals = ["", "≥ 3", "> 1"]

const ingestWith = (plan: Plan): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const { version } = yield* BenchPostgres
    const [ourUrl, peerUrl, pgbenchUrl] = [yield* filledDatabase, yield* filledDatabase, yield* filledDatabase]
    const ours = overHttp("Hogsend", ourUrl, yield* startHogsend(ourUrl), { connections })
    yield* Console.error("looking for the peer's best pool and pgbench's best number of clients")
    const peer = yield* fastestOf(
      plan.poolSizes.map((size) =>
        Effect.map(startPeer(peerUrl, size), (target) =>
          overHttp(`Fastify and pg, a pool of ${size}`, peerUrl, target, { connections })
        )
      ),
      roundsOf(3)
    )
    const sql = { script: pgbenchScript, variables: pgbenchVariables, eventsPerTransaction: 1 }
    const pgbench = yield* fastestOf(
      plan.clients.map((clients) => bySql(pgbenchUrl, { ...sql, clients })),
      roundsOf(3)
    )
    const series = yield* runInTurn([ours, peer, pgbench], plan.rounds, roundsOf(plan.seconds))
    return {
      columns: ["single events", ...columns],
      rows: series.map((one, at) => rowOf(one, { ours: at === 0 ? undefined : series[0], goal: goals[at] ?? "" })),
      notes: yield* notesOf(series, plan),
      postgres: version,
      numbers: { traffic, connections, series }
    }
  }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer({ durable: true })), (run) =>
    Effect.andThen(requirePrograms([wrkProgram, pgbenchProgram]), run)
  )

/** The peer on a database, with so many connections to it. */
export const startPeer = Effect.fnUntraced(function* (url: Redacted.Redacted<string>, poolSize: number) {
  const key = yield* addSecretKey(url)
  const env = { DATABASE_URL: Redacted.value(url), POOL: String(poolSize) }
  const { pid, printed } = yield* startNode(["bench/src/ingest/peer/main.ts"], env)
  const [, address = ""] = yield* printed(/The peer serves (\S+)\//)
  const target: Target = { url: address, key, pid }
  return target
})

/** The plan that the goals are judged by: about three minutes. */
export const ingest: Bench = {
  description: "single events at 64 connections, against Fastify and pg by hand and pgbench's bare SQL",
  run: ingestWith({ rounds: 3, seconds: 8, poolSizes: [6, 10, 16, 32], clients: [16, 32, 64] })
}
