/**
 * `resolve`: what it costs to find out who somebody known is, as contacts grow from a thousand to a million.
 *
 * Ours against itself, through the real service over a pool of 10: the p50 at the most contacts may be 1.5 times that at
 * the fewest. The sizes take turns in short rounds, and both the best and the median round are told: what else the
 * machine does makes the median of the same code swing between runs, and the best hides what happens only now and then.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import {
  AnalyticsProviders,
  AuditLogs,
  DeliverySignal,
  IdentityResolver,
  OutboundMessages,
  Sealing,
  Tombstones
} from "@hogsend/engine"
import { AnalyticsProvider } from "@hogsend/core"
import { Console, Effect, Layer, Redacted } from "effect"
import type { Bench, Report } from "./Bench.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { bestOf, measure, type Measurement, medianOf } from "./measure.ts"
import { fillContacts } from "./fillContacts.ts"
import { grouped } from "./grouped.ts"
import { makeCases } from "./resolve/makeCases.ts"
import { seededRandom } from "./seededRandom.ts"

/** How much is measured; a test takes less. */
export interface Plan {
  /** Numbers of contacts, ascending. */
  readonly sizes: ReadonlyArray<number>
  readonly workers: ReadonlyArray<number>
  /** After one that does not count. */
  readonly rounds: number
  /** The milliseconds of one measurement, and of the calls before it that are not measured. */
  readonly forMillis: number
  readonly warmUpMillis: number
}

/** Fills a database of each size and measures every case on all of them in turn. */
export const resolveAt = (plan: Plan): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const places = yield* Effect.forEach(plan.sizes, fill)
    const series = yield* measureInTurn(plan, places)
    yield* Effect.forEach(places, ({ contacts, verify }) => verify(contacts))
    const { version } = yield* BenchPostgres
    return reportOf(plan, series, version)
  }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer()))

const nobody = Layer.succeed(AnalyticsProvider, AnalyticsProviders.none)

/** A database of its own with the service over it. */
const fill = Effect.fnUntraced(function* (contacts: number) {
  yield* Console.error(`filling a database with ${grouped(contacts)} contacts`)
  const { create } = yield* BenchPostgres
  const client = PgClient.layer({ url: yield* create, maxConnections: 10 })
  const services = yield* Layer.build(
    IdentityResolver.layer().pipe(
      Layer.provide([
        AuditLogs.layer,
        Layer.provide(OutboundMessages.layer, DeliverySignal.layer()),
        Tombstones.layer,
        nobody
      ]),
      Layer.provide(Sealing.layer({ secrets: [Redacted.make("the secret of a bench, on a database of its own")] })),
      Layer.provideMerge(client)
    )
  )
  const made = Effect.andThen(fillContacts(contacts), makeCases)
  return { contacts, ...(yield* Effect.provideContext(made, services)) }
})

type Place = Effect.Success<ReturnType<typeof fill>>

/** One line of the table: a case under so many workers, with the rounds of each size. */
interface Series {
  readonly what: string
  readonly workers: number
  readonly sizes: ReadonlyArray<Array<Measurement>>
}

const measureInTurn = Effect.fnUntraced(function* (plan: Plan, places: ReadonlyArray<Place>) {
  const random = seededRandom(20_260_101)
  const series = (places[0]?.cases ?? []).flatMap(({ what }, at) =>
    plan.workers.map((workers): Series & { at: number } => ({ what, at, workers, sizes: places.map(() => []) }))
  )
  for (let round = 0; round <= plan.rounds; round++) {
    yield* Console.error(round === 0 ? "warming up" : `round ${round} of ${plan.rounds}`)
    for (const { at, sizes, workers } of series) {
      for (const [size, { cases, contacts }] of places.entries()) {
        const next = () => cases[at]?.call(1 + Math.floor(random() * contacts)) ?? Effect.void
        yield* measure({ workers, forMillis: plan.warmUpMillis, maxCalls, next })
        const measured = yield* measure({ workers, forMillis: plan.forMillis, maxCalls, next })
        if (round > 0) sizes[size]?.push(measured)
      }
    }
  }
  return series
})

const reportOf = (plan: Plan, series: ReadonlyArray<Series>, postgres: string): Report => {
  const lines = series.map(({ sizes, what, workers }) => ({
    what,
    workers,
    sizes: sizes.map((rounds, size) => ({
      contacts: plan.sizes[size],
      best: bestOf(rounds),
      median: medianOf(rounds),
      rounds
    }))
  }))
  const contacts = plan.sizes.map((size) => `${grouped(size)} contacts`)
  return {
    columns: ["what", "workers", ...contacts, "p50 ×", "median ×", "goal"],
    rows: lines.map(({ sizes, what, workers }) => {
      const [fewest, most] = [sizes[0], sizes.at(-1)]
      return [
        what,
        String(workers),
        ...sizes.map(({ best }) => `${grouped(best.p50)} µs ${grouped(best.perSecond).padStart(7)}/s`),
        ((most?.best.p50 ?? 0) / (fewest?.best.p50 ?? 1)).toFixed(2),
        ((most?.median.p50 ?? 0) / (fewest?.median.p50 ?? 1)).toFixed(2),
        `≤ ${goal}`
      ]
    }),
    notes: [
      `p50 and calls per second: each the best of ${plan.rounds} rounds of ${plan.forMillis} ms; the JSON has every round.`,
      "The ratios are the most contacts' p50 to the fewest': of the best rounds, and of the median ones. Far apart: a busy machine."
    ],
    postgres,
    numbers: lines
  }
}

const goal = 1.5

const maxCalls = 50_000

/** The plan that the goal is judged by: 5 seconds of every case at every size. */
export const resolve: Bench = {
  description: "resolving a known key at 1,000 to 1,000,000 contacts, against itself",
  run: resolveAt({
    sizes: [1_000, 10_000, 100_000, 1_000_000],
    workers: [1, 16],
    rounds: 10,
    forMillis: 500,
    warmUpMillis: 100
  })
}
