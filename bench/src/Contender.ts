/**
 * Who takes part in a bench of stored events, and what one round of it is.
 *
 * A round begins and ends at rest: after a checkpoint and a warm-up that does not count, until whatever was under way has
 * been stored. What a contender says that it stored must be there, or the bench fails.
 */
import { Effect, type Redacted } from "effect"
import { ask } from "./ask.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { secondsOf, secondsOfEnded, secondsOfFamily, secondsOfMachine } from "./processorTime.ts"

/** What a load found: latencies are those of requests, in milliseconds, as far as the generator tells them. */
export interface Loaded {
  /** Events that were acknowledged. */
  readonly events: number
  readonly seconds: number
  readonly latencyAverage?: number
  readonly p50?: number
  readonly p99?: number
}

export interface Contender {
  readonly name: string
  /** Its database. */
  readonly url: Redacted.Redacted<string>
  /** The server that takes the load; undefined when the load generator talks to the database itself. */
  readonly pid: number | undefined
  /** Puts the load on, with a seed that no other load has. */
  readonly load: (load: { readonly seconds: number; readonly seed: number }) => Effect.Effect<Loaded, unknown>
  /** How many events more than were acknowledged may be there: those under way when the load ended. */
  readonly underWay: number
}

/** A load with what it cost: microseconds of processor time an event. */
export interface Round extends Loaded {
  readonly perSecond: number
  readonly server: number
  readonly postgres: number
  readonly generator: number
  /** How many cores were busy with something else, on average. */
  readonly coresElsewhere: number
}

/** The number of events, when nothing is under way in the database. */
const settledEvents = Effect.fnUntraced(function* (url: Redacted.Redacted<string>) {
  const look = Effect.map(
    ask(
      url,
      `select (select count(*) from hogsend.events)::int as events,
        (select count(*) from pg_stat_activity
         where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
           and state <> 'idle')::int as busy`
    ),
    ([row]) => ({ events: Number(row?.["events"]), busy: Number(row?.["busy"]) })
  )
  let before = -1
  let now = yield* look
  while (now.busy > 0 || now.events !== before) {
    before = now.events
    now = yield* Effect.delay(look, "200 millis")
  }
  return now.events
})

const secondsUsed = (server: number | undefined, postmaster: number) => ({
  server: server === undefined ? 0 : secondsOf(server),
  postgres: secondsOfFamily(postmaster),
  generator: secondsOfEnded(process.pid),
  machine: secondsOfMachine()
})

/** Long enough to connect on a slow machine, and for what is compiled and cached. */
const warmUpSeconds = 3

/** Rounds of so many seconds. */
export const roundsOf = (seconds: number) =>
  Effect.fnUntraced(function* ({ load, name, pid, underWay, url }: Contender, turn: number) {
    const { postmaster } = yield* BenchPostgres
    yield* ask(url, "checkpoint")
    yield* load({ seconds: warmUpSeconds, seed: 2 * turn })
    const before = yield* settledEvents(url)
    const from = secondsUsed(pid, postmaster)
    const loaded = yield* load({ seconds, seed: 2 * turn + 1 })
    const to = secondsUsed(pid, postmaster)
    const stored = (yield* settledEvents(url)) - before
    if (stored < loaded.events || stored > loaded.events + underWay) {
      return yield* Effect.fail(new Error(`${name} acknowledged ${loaded.events} events, and ${stored} were stored`))
    }
    const spent = (who: keyof typeof from) => to[who] - from[who]
    const micros = (who: keyof typeof from) => (spent(who) * 1_000_000) / loaded.events
    const elsewhere = spent("machine") - spent("server") - spent("postgres") - spent("generator")
    const result: Round = {
      ...loaded,
      perSecond: loaded.events / loaded.seconds,
      server: micros("server"),
      postgres: micros("postgres"),
      generator: micros("generator"),
      coresElsewhere: elsewhere / loaded.seconds
    }
    return result
  })
