/**
 * What a bench is: a description and an Effect that answers one table and the numbers behind it.
 *
 * A bench is one file, with its private parts in a folder of its name and its peers as programs beside it. It brings what
 * it needs (`BenchPostgres`, a server, a peer's process) in scopes of its own, so that Ctrl-C ends all of it.
 */
import type { Effect } from "effect"

/** What a run found out. */
export interface Report {
  /** The names of the columns: what was measured first, and ours, the peer or the limit, the ratio and the goal after it. */
  readonly columns: ReadonlyArray<string>
  /** One line each, as it is printed. */
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  /** How the numbers came about, below the table. */
  readonly notes: ReadonlyArray<string>
  /** The version of the Postgres that was used, if one was. */
  readonly postgres?: string
  /** The raw numbers, kept as JSON. */
  readonly numbers: unknown
}

/** A line of `main.ts` makes it one that can be run. */
export interface Bench {
  /** What it measures against what, in one line. */
  readonly description: string
  readonly run: Effect.Effect<Report, unknown>
}
