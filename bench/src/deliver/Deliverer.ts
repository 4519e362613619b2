/**
 * Who takes part in `deliver`, and what one round of it is: a backlog that is there at once, delivered by a worker that is
 * warm and waits for it, until everything is written down. What was to arrive has, and is signed, or the bench fails.
 */
import { Effect, type Redacted, Schedule } from "effect"
import { ask } from "../ask.ts"
import { BenchPostgres } from "../BenchPostgres.ts"
import type { Round } from "../Contender.ts"
import { secondsOf, secondsOfFamily, secondsOfMachine } from "../processorTime.ts"
import { type Envelope, envelopes } from "./envelopes.ts"
import type { Receiver } from "./startReceiver.ts"

export interface Deliverer {
  readonly name: string
  /** Its database. */
  readonly url: Redacted.Redacted<string>
  /** The process that delivers. */
  readonly pid: number
  /** What it signs with. */
  readonly secret: string
  /** All of them become due with one commit. */
  readonly enqueue: (envelopes: ReadonlyArray<Envelope>) => Effect.Effect<unknown, unknown>
  /** A query whose `waiting` says how many are not done. */
  readonly waiting: string
}

/** A round with what the receiver counted beyond it. */
export interface DeliverRound extends Round {
  /** Requests with a message that had arrived before. */
  readonly repeated: number
}

/** Enough for what is compiled and cached. */
const warmUp = 3000

const settled = ({ url, waiting }: Deliverer) =>
  ask(url, waiting).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: ([row]) => Number(row?.["waiting"]) === 0 }),
    Effect.timeout("2 minutes")
  )

/** Rounds of a backlog of that size, warmed up before each. */
export const roundsOf = (receiver: Receiver, backlog: number) => {
  const work = Effect.fnUntraced(function* (deliverer: Deliverer, backlog: number) {
    const { postmaster } = yield* BenchPostgres
    const { enqueue, name, pid, secret, url } = deliverer
    yield* receiver.expect(backlog, secret)
    const made = envelopes(backlog)
    yield* ask(url, "checkpoint")
    const used = () => ({
      server: secondsOf(pid),
      postgres: secondsOfFamily(postmaster),
      generator: secondsOf(receiver.pid),
      machine: secondsOfMachine() - secondsOf(process.pid)
    })
    yield* enqueue(made)
    const [from, began] = [used(), performance.now()]
    const { arrived, messages, seconds, unsigned } = yield* receiver.arrived
    yield* settled(deliverer)
    const [to, all] = [used(), (performance.now() - began) / 1000]
    if (messages !== backlog || unsigned > 0 || seconds === null) {
      return yield* Effect.fail(
        new Error(
          `${name}: of ${backlog} messages ${messages} arrived, and ${unsigned} of those checked were not signed`
        )
      )
    }
    const spent = (who: keyof typeof from) => to[who] - from[who]
    const micros = (who: keyof typeof from) => (spent(who) * 1_000_000) / backlog
    const result: DeliverRound = {
      events: backlog,
      seconds,
      perSecond: backlog / seconds,
      repeated: arrived - messages,
      server: micros("server"),
      postgres: micros("postgres"),
      generator: micros("generator"),
      coresElsewhere: (spent("machine") - spent("server") - spent("postgres") - spent("generator")) / all
    }
    return result
  })
  return (deliverer: Deliverer) => Effect.andThen(work(deliverer, Math.min(warmUp, backlog)), work(deliverer, backlog))
}
