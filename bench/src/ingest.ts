/**
 * `ingest`: what it costs to store one event for good, over 64 connections.
 *
 * Ours, the real server, against a handler that a team would write by hand (`ingest/peer`) and against pgbench doing
 * nothing but that handler's SQL. All on one durable Postgres, each on a database of its own with the same contacts, in
 * rounds that take turns. The peer's pool and pgbench's clients are as many as are fastest on this machine.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Console, Effect, Redacted } from "effect"
import type { Bench, Report } from "./Bench.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { startNode } from "./ChildProgram.ts"
import { addSecretKey } from "./addSecretKey.ts"
import type { Contender } from "./Contender.ts"
import { columns, fastestOf, notesOf, rowOf, runInTurn, type Turns } from "./Contest.ts"
import { fillContacts } from "./fillContacts.ts"
import { startHogsend, type Target } from "./HogsendProgram.ts"
import { pgbenchScript, pgbenchVariables } from "./ingest/pgbenchScript.ts"
import { connections, traffic, wrkArgs, wrkScript } from "./ingest/traffic.ts"
import { runPgbench, writeScript } from "./pgbench.ts"
import { runWrk } from "./wrk.ts"

/** How much is measured; a test takes less. */
export interface Plan extends Turns {
  readonly poolSizes: ReadonlyArray<number>
  readonly clients: ReadonlyArray<number>
}

/** Runs the rounds of all three. */
export const ingestWith = (plan: Plan): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const { create, version } = yield* BenchPostgres
    const filled = Effect.tap(create, fill)
    const ours = yield* filled.pipe(Effect.flatMap(hogsend))
    const peerUrl = yield* filled
    const pgbenchUrl = yield* filled
    yield* Console.error("looking for the peer's best pool and pgbench's best number of clients")
    const peer = yield* fastestOf(plan.poolSizes.map((size) => handWritten(peerUrl, size)))
    const pgbench = yield* fastestOf(plan.clients.map((clients) => onlySql(pgbenchUrl, clients)))
    const series = yield* runInTurn({ ours, peer, pgbench }, plan)
    return {
      columns: ["single events", ...columns],
      rows: [
        rowOf(series.ours),
        rowOf(series.peer, { ours: series.ours, goal: "≥ 3" }),
        rowOf(series.pgbench, { ours: series.ours, goal: "> 1" })
      ],
      notes: yield* notesOf(series, plan),
      postgres: version,
      numbers: { traffic, connections, series }
    }
  }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer({ durable: true })))

const fill = (url: Redacted.Redacted<string>) =>
  fillContacts(traffic.known).pipe(Effect.provide(PgClient.layer({ url, maxConnections: 1 })))

const hogsend = Effect.fnUntraced(function* (url: Redacted.Redacted<string>) {
  return overHttp("Hogsend", url, yield* startHogsend(url))
})

/** The peer on a database, with so many connections to it. */
export const startPeer = Effect.fnUntraced(function* (url: Redacted.Redacted<string>, poolSize: number) {
  const key = yield* addSecretKey(url)
  const env = { DATABASE_URL: Redacted.value(url), POOL: String(poolSize) }
  const { pid, printed } = yield* startNode(["bench/src/ingest/peer/main.ts"], env)
  const [, address = ""] = yield* printed(/The peer serves (\S+)\//)
  const target: Target = { url: address, key, pid }
  return target
})

const handWritten = Effect.fnUntraced(function* (url: Redacted.Redacted<string>, poolSize: number) {
  return overHttp(`Fastify and pg, a pool of ${poolSize}`, url, yield* startPeer(url, poolSize))
})

export const overHttp = (name: string, url: Redacted.Redacted<string>, target: Target): Contender => ({
  name,
  url,
  pid: target.pid,
  underWay: connections,
  load: ({ seconds, seed }) =>
    Effect.map(
      runWrk({
        target,
        path: "/v1/events",
        script: wrkScript,
        args: wrkArgs(`new_${seed}`, seed, 0),
        connections,
        seconds
      }),
      ({ p50, p99, requests, seconds }) => ({ events: requests, seconds, p50, p99 })
    )
})

const onlySql = Effect.fnUntraced(function* (url: Redacted.Redacted<string>, clients: number) {
  const script = yield* writeScript(pgbenchScript)
  const contender: Contender = {
    name: `pgbench, ${clients} clients`,
    url,
    pid: undefined,
    underWay: 0,
    load: ({ seconds }) =>
      Effect.map(
        runPgbench({ url, script, variables: pgbenchVariables, clients, seconds }),
        ({ latencyAverage, perSecond, transactions }) => ({
          events: transactions,
          seconds: transactions / perSecond,
          latencyAverage
        })
      )
  }
  return contender
})

/** The plan that the goals are judged by: about three minutes. */
export const ingest: Bench = {
  description: "single events at 64 connections, against Fastify and pg by hand and pgbench's bare SQL",
  run: ingestWith({ rounds: 3, seconds: 8, poolSizes: [6, 10, 16, 32], clients: [16, 32, 64] })
}
