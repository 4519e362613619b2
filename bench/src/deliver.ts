/**
 * `deliver`: how fast a backlog of webhooks is delivered to one receiver.
 *
 * Ours, the real server with one endpoint, against graphile-worker and pg-boss doing the same signed POST as their users
 * would write it. All on one durable Postgres, each on a database of its own, in rounds that take turns. The receiver counts;
 * each peer has as many jobs at a time as are fastest on this machine, and ours what it has without a setting. Beside it stands
 * ours with an endpoint that is told of each contact in order, which no peer does.
 */
import { Console, Effect } from "effect"
import type { Bench, Report } from "./Bench.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { columns, elsewhereNote, fastestOf, flushNote, rowOf, runInTurn } from "./Contest.ts"
import { graphileWorker, hogsend, pgBoss } from "./deliver/contenders.ts"
import { roundsOf } from "./deliver/Deliverer.ts"
import { receiverAlone } from "./deliver/receiverAlone.ts"
import { startReceiver } from "./deliver/startReceiver.ts"
import { grouped } from "./grouped.ts"

/** How much is measured. */
export interface Plan {
  readonly rounds: number
  /** Deliveries in a round, and in a short one. */
  readonly backlog: number
  readonly shortBacklog: number
  readonly graphileWorkerJobs: ReadonlyArray<number>
  readonly pgBossWorkers: ReadonlyArray<{ readonly workers: number; readonly batch: number }>
}

export const deliverWith = (plan: Plan): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const { create, dataDirectory, version } = yield* BenchPostgres
    const receiver = yield* startReceiver
    const alone = yield* receiverAlone(receiver, plan.backlog)
    const [ourUrl, orderedUrl, graphileUrl, bossUrl] = [yield* create, yield* create, yield* create, yield* create]
    const short = roundsOf(receiver, plan.shortBacklog)
    yield* Console.error("looking for what is fastest for each peer")
    const graphile = yield* fastestOf(
      plan.graphileWorkerJobs.map((jobs) => graphileWorker(graphileUrl, receiver.url, jobs)),
      short
    )
    const boss = yield* fastestOf(
      plan.pgBossWorkers.map((workers) => pgBoss(bossUrl, receiver.url, workers)),
      short
    )
    const ours = yield* hogsend(ourUrl, receiver.url)
    const ordered = yield* hogsend(orderedUrl, receiver.url, ofEach)
    const series = yield* runInTurn([ours, graphile, boss, ordered], plan.rounds, roundsOf(receiver, plan.backlog))
    return {
      columns: ["a backlog of webhooks", ...columns.with(0, "deliveries/s")],
      rows: series.map((one, at) =>
        at === 0 ? rowOf(one) : rowOf(one, { ours: series[0], goal: one.name === ordered.name ? "" : "> 1" })
      ),
      notes: [
        `Medians of ${plan.rounds} backlogs of ${grouped(plan.backlog)} deliveries each, from the first arrival to the last. ${flushNote(dataDirectory)}`,
        "µs: processor time a delivery until all is written down, of the worker, of Postgres, of the receiver; limit: what all cores could do at that cost.",
        `The receiver alone takes ${grouped(alone)} such requests a second.`,
        elsewhereNote(series)
      ],
      postgres: version,
      numbers: { plan, receiverAlone: alone, series }
    }
  }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer({ durable: true })))

/** Messages of a contact, where their order counts. */
const ofEach = 10

/** The plan that the goals are judged by: about two minutes. */
export const deliver: Bench = {
  description: "a backlog of signed webhooks to one receiver, against graphile-worker and pg-boss",
  run: deliverWith({
    rounds: 3,
    backlog: 30_000,
    shortBacklog: 10_000,
    graphileWorkerJobs: [8, 16, 32, 64],
    pgBossWorkers: [
      { workers: 1, batch: 100 },
      { workers: 2, batch: 50 },
      { workers: 4, batch: 50 },
      { workers: 4, batch: 100 }
    ]
  })
}
