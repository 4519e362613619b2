/**
 * Contenders in rounds that take turns, so that what disturbs the machine disturbs all of them, and the table of it.
 *
 * The median of the rounds is what the ratios are of; the best is told beside it: far apart, the machine was busy.
 */
import { Console, Effect, type Scope } from "effect"
import { availableParallelism } from "node:os"
import { BenchPostgres } from "./BenchPostgres.ts"
import type { Round } from "./Contender.ts"
import { flushCost } from "./flushCost.ts"
import { grouped } from "./grouped.ts"
import { median } from "./measure.ts"

export interface Turns {
  readonly rounds: number
  /** Of one round. */
  readonly seconds: number
}

/** A contender's rounds. */
export interface Series {
  readonly name: string
  readonly rounds: ReadonlyArray<Round>
}

/** One round of a contender, in a turn that no other round has. */
export type RunRound<C, E, R> = (contender: C, turn: number) => Effect.Effect<Round, E, R>

/** Lets all of them run in turn, and answers their rounds in the same order. */
export const runInTurn = Effect.fnUntraced(function* <C extends { readonly name: string }, E, R>(
  contenders: ReadonlyArray<C>,
  count: number,
  run: RunRound<C, E, R>
) {
  const series = contenders.map((contender) => ({ contender, rounds: Array.of<Round>() }))
  for (let round = 0; round < count; round++) {
    for (const [at, { contender, rounds }] of series.entries()) {
      yield* Console.error(`round ${round + 1} of ${count}: ${contender.name}`)
      rounds.push(yield* run(contender, round * contenders.length + at))
    }
  }
  return series.map(({ contender, rounds }): Series => ({ name: contender.name, rounds }))
})

/** Starts each alone for a round, a short one, and answers the fastest, started again. */
export const fastestOf = Effect.fnUntraced(function* <C, E, R, F, S>(
  candidates: ReadonlyArray<Effect.Effect<C, E, R | Scope.Scope>>,
  run: RunRound<C, F, S>
) {
  const tried = yield* Effect.forEach(candidates, (candidate, at) =>
    candidate.pipe(
      Effect.flatMap((contender) => run(contender, 1_000 + at)),
      Effect.map(({ perSecond }) => ({ candidate, perSecond })),
      Effect.scoped
    )
  )
  const [fastest] = tried.toSorted((a, b) => b.perSecond - a.perSecond)
  return yield* fastest?.candidate ?? Effect.die(new Error("There is nobody to choose from"))
})

export const medianOf = ({ rounds }: Series, field: (round: Round) => number | undefined): number =>
  median(rounds.flatMap((round) => field(round) ?? []))

const costOf = ({ generator, postgres, server }: Round): number => server + postgres + generator

/** With three digits or more. */
const precise = (value: number): string => (value < 100 ? value.toPrecision(3) : grouped(value))

/** The columns of `rowOf`. */
export const columns = [
  "events/s",
  "best",
  "p50 ms",
  "p99 ms",
  "µs server",
  "Postgres",
  "load",
  "limit/s",
  "ours ×",
  "goal"
]

/** A line of the table: a contender, how many times as fast ours is when it is another's, and the goal. */
export const rowOf = (
  series: Series,
  { goal = "", ours }: { readonly ours?: Series | undefined; readonly goal?: string } = {}
) => {
  const rate = medianOf(series, ({ perSecond }) => perSecond)
  return [
    series.name,
    grouped(rate),
    grouped(Math.max(...series.rounds.map(({ perSecond }) => perSecond))),
    ...[(round: Round) => round.p50 ?? round.latencyAverage, (round: Round) => round.p99].map((field) =>
      series.rounds.every((round) => field(round) === undefined) ? "" : medianOf(series, field).toFixed(1)
    ),
    ...[(round: Round) => round.server, (round: Round) => round.postgres, (round: Round) => round.generator].map(
      (field) => precise(medianOf(series, field))
    ),
    grouped((availableParallelism() * 1_000_000) / medianOf(series, costOf)),
    ours === undefined ? "" : (medianOf(ours, ({ perSecond }) => perSecond) / rate).toFixed(2),
    goal
  ]
}

/** How the numbers of timed rounds came about. */
export const notesOf = Effect.fnUntraced(function* (series: ReadonlyArray<Series>, turns: Turns) {
  const { dataDirectory } = yield* BenchPostgres
  return [
    `Medians of ${turns.rounds} rounds of ${turns.seconds} s that took turns. ${flushNote(dataDirectory)}`,
    "µs: processor time an event, of the server, of Postgres, of the load generator; limit: what all cores could do at that cost.",
    "pgbench tells no p50: its mean stands there.",
    elsewhereNote(series)
  ]
})

export const flushNote = (folder: string): string =>
  `Every commit is flushed to disk: one flush takes ${grouped(flushCost(folder))} µs here.`

/** Whether the numbers are worth something. */
export const elsewhereNote = (series: ReadonlyArray<Series>): string => {
  const elsewhere = Math.max(...series.map((one) => medianOf(one, ({ coresElsewhere }) => coresElsewhere)))
  return `Something else kept ${elsewhere.toFixed(2)} cores busy${elsewhere > 0.2 ? ": run it again on a quiet machine" : ""}.`
}
