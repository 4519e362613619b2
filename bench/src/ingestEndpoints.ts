/**
 * `ingest-endpoints`: what it costs to store one event, over 64 connections, when two endpoints are told of contacts.
 *
 * The same traffic and peer as `ingest`; ours twice: with nobody to tell, and with two endpoints that subscribe to what is
 * created and updated, a receiver that takes it, and the deliveries going on in the same process. A message and two
 * deliveries are written with every event that changes a contact, and they arrive while the load is on.
 */
import { Console, Effect, Redacted } from "effect"
import { ask } from "./ask.ts"
import type { Bench, Report } from "./Bench.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { requirePrograms } from "./ChildProgram.ts"
import { roundsOf } from "./Contender.ts"
import { columns, fastestOf, notesOf, rowOf, runInTurn, type Turns } from "./Contest.ts"
import { startReceiver } from "./deliver/startReceiver.ts"
import { addEndpoint, startHogsend } from "./HogsendProgram.ts"
import { startPeer } from "./ingest.ts"
import { filledDatabase } from "./ingest/filledDatabase.ts"
import { overHttp } from "./ingest/overHttp.ts"
import { traffic } from "./ingest/traffic.ts"
import { wrkProgram } from "./wrk.ts"

const connections = 64

/** How much is measured. */
interface Plan extends Turns {
  readonly poolSizes: ReadonlyArray<number>
}

/** What was told until now, and how much of it arrived. */
const toldOf = (url: Redacted.Redacted<string>) =>
  Effect.map(
    ask(
      url,
      `select (select count(*) from hogsend.outbound_messages)::int as messages, count(*)::int as deliveries,
        count(*) filter (where status = 'delivered')::int as delivered from hogsend.deliveries`
    ),
    ([row]) => ({
      messages: Number(row?.["messages"]),
      deliveries: Number(row?.["deliveries"]),
      delivered: Number(row?.["delivered"])
    })
  )

const ingestEndpointsWith = (plan: Plan): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const { version } = yield* BenchPostgres
    const [toldUrl, aloneUrl, peerUrl] = [yield* filledDatabase, yield* filledDatabase, yield* filledDatabase]
    const receiver = yield* startReceiver
    const telling = yield* startHogsend(toldUrl)
    yield* addEndpoint(telling, receiver.url)
    yield* addEndpoint(telling, receiver.url)
    yield* Console.error("looking for the peer's best pool")
    const peer = yield* fastestOf(
      plan.poolSizes.map((size) =>
        Effect.map(startPeer(peerUrl, size), (target) =>
          overHttp(`Fastify and pg, a pool of ${size}`, peerUrl, target, { connections })
        )
      ),
      roundsOf(3)
    )
    const contenders = [
      overHttp("Hogsend, two endpoints", toldUrl, telling, { connections }),
      overHttp("Hogsend, nobody to tell", aloneUrl, yield* startHogsend(aloneUrl), { connections }),
      peer
    ]
    const series = yield* runInTurn(contenders, plan.rounds, roundsOf(plan.seconds))
    const told = yield* toldOf(toldUrl)
    const goals = ["", "", "≥ 3"]
    return {
      columns: ["single events", ...columns],
      rows: series.map((one, at) => rowOf(one, { ours: at === 0 ? undefined : series[0], goal: goals[at] ?? "" })),
      notes: [
        ...(yield* notesOf(series, plan)),
        `Told of ${told.messages} changes, warm-ups included: ${told.deliveries} deliveries by the same process, of which ${told.delivered} had arrived when the last round was at rest.`,
        "The receiver is none of the three: its processor time is among what something else kept busy."
      ],
      postgres: version,
      numbers: { traffic, connections, told, series }
    }
  }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer({ durable: true })), (run) =>
    Effect.andThen(requirePrograms([wrkProgram]), run)
  )

/** The plan that the goals are judged by: about two minutes. */
export const ingestEndpoints: Bench = {
  description: "the events of ingest while two endpoints are told of contacts, against nobody to tell",
  run: ingestEndpointsWith({ rounds: 3, seconds: 8, poolSizes: [6, 10, 16, 32] })
}
