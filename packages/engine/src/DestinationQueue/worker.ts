/**
 * The worker of one process: claims what is due as far as it has slots, runs the attempts, and writes down what became of
 * them, many together.
 *
 * It looks when it is woken, when something becomes due, when a slot becomes free, and every now and then. When its scope
 * closes it claims nothing more; what is in flight goes on for a while, and gives its lease back after that.
 */
import { Clock, Effect, FiberSet, Latch, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { isUnreachable, withTimeout } from "../Database.ts"
import { newId } from "../newId.ts"
import { type Attempted, giveBack } from "./attempt.ts"
import type { Claimed, ClaimsRepo } from "./ClaimsRepo.ts"
import { makeSlots } from "./Slots.ts"

export interface WorkerOptions {
  readonly slots: number
  /** The longest time between two looks, in milliseconds. */
  readonly interval: number
  /** How long what is in flight may go on when the scope closes, in milliseconds. */
  readonly shutdownGrace: number
  /** How long what is done by then may take to be written down, in milliseconds. */
  readonly writeGrace: number
}

/** Answers how it is woken. */
export const makeWorker = Effect.fnUntraced(function* (
  repo: ClaimsRepo,
  attempt: (claimed: Claimed) => Effect.Effect<Attempted>,
  /** Told of every outcome that was written down. */
  onFinished: (attempted: Attempted) => void,
  { interval, shutdownGrace, slots: total, writeGrace }: WorkerOptions
) {
  const slots = makeSlots(total)
  const wake = yield* Latch.make(true)
  const news = yield* Latch.make()
  const written = yield* Latch.make()
  const attempts = yield* FiberSet.make()
  const state: { outcomes: Array<Attempted>; unwritten: number; freed: number; idle: boolean } = {
    outcomes: [],
    unwritten: 0,
    /** Slots, since the last look. */
    freed: 0,
    /** Nothing was freed for a while after it. */
    idle: false
  }
  const failing = { look: false, write: false }
  /** A database that takes nothing is asked for nothing. */
  const isFull = () => state.unwritten >= 4 * total

  /** Logged once until it works again: it is tried all the time. */
  const complain = (what: "look" | "write", message: string, error: SqlError) =>
    Effect.suspend(() => {
      const again = failing[what]
      failing[what] = true
      return again ? Effect.void : Effect.logWarning(message, error.reason._tag)
    })

  const write = Effect.fnUntraced(function* (group: ReadonlyArray<Attempted>) {
    yield* unseen(repo.finish(group, yield* Clock.currentTimeMillis))
    failing.write = false
    for (const attempted of group) onFinished(attempted)
    settled(group)
  })

  const settled = (group: ReadonlyArray<Attempted>) => {
    // Another one of a contact may be due, there is room again, or one is due before the next look, which may be on its way
    // since the slot became free and has not seen it.
    const isSoon = ({ claimed, delay, status }: Attempted) =>
      claimed.ordered || (status === "pending" && delay < interval)
    if (isFull() || group.some(isSoon)) wake.openUnsafe()
    state.unwritten -= group.length
    written.openUnsafe()
  }

  /** One that cannot be written is given up: its lease ends, and somebody tries once more. */
  const writeAlone = (attempted: Attempted) =>
    Effect.catch(write([attempted]), (error) => {
      settled([attempted])
      return Effect.logError("What became of a delivery cannot be written down", {
        deliveryId: attempted.claimed.id,
        why: error.reason._tag
      })
    })

  /** At once when nothing else is in flight; else what comes in a moment is written together. */
  const writeNext = Effect.gen(function* () {
    yield* news.await
    if (state.outcomes.length < enough && slots.free() < total) yield* Effect.sleep(moment)
    const group = state.outcomes.splice(0, maxGroup)
    if (group.length === 0) return news.closeUnsafe()
    yield* Effect.catch(write(group), (error) => {
      if (!isUnreachable(error)) return Effect.forEach(group, writeAlone, { discard: true })
      state.outcomes.unshift(...group)
      return Effect.andThen(
        complain("write", "What became of deliveries waits to be written down", error),
        Effect.sleep(Math.min(interval, 500))
      )
    })
  })

  const finish = (attempted: Attempted) => {
    slots.release(attempted.claimed.endpointId)
    state.outcomes.push(attempted)
    state.unwritten += 1
    news.openUnsafe()
    state.freed += 1
    if (state.idle || state.freed >= slots.share / 2) wake.openUnsafe()
  }

  const run = (claimed: Claimed) =>
    attempt(claimed).pipe(
      Effect.onInterrupt(() => Effect.sync(() => finish(giveBack(claimed)))),
      Effect.map(finish)
    )

  /** Answers how long there is nothing to do, unless somebody wakes us. */
  const look = Effect.gen(function* () {
    if (slots.free() <= 0 || isFull()) return interval
    const rows = yield* unseen(repo.claim(slots, newId()))
    failing.look = false
    for (const claimed of rows) {
      if (!isClaimed(claimed)) continue
      slots.take(claimed.endpointId)
      yield* FiberSet.run(attempts, run(claimed))
    }
    if (rows[0]?.more) return 0
    return Math.min(interval, rows[0]?.nextDue ?? interval)
  })

  /** A few slots that become free after a look are filled together, a moment later. */
  const lookAndWait = Effect.gen(function* () {
    wake.closeUnsafe()
    Object.assign(state, { freed: 0, idle: false })
    // A claim that is on its way is waited for, so that no lease is forgotten.
    const wait = yield* Effect.uninterruptible(
      Effect.catch(look, (error) =>
        Effect.as(complain("look", "The destination queue cannot look for deliveries", error), interval)
      )
    )
    if (wait <= 0) return yield* Effect.yieldNow
    yield* Effect.timeoutOption(wake.await, Math.min(moment, wait))
    if (wake.isOpen() || state.freed > 0) return
    state.idle = true
    yield* Effect.timeoutOption(wake.await, Math.ceil(wait))
  })

  /** Until everything is written down. */
  const drained = Effect.gen(function* () {
    while (slots.free() < total || state.unwritten > 0) {
      written.closeUnsafe()
      yield* written.await
    }
  })

  // In the order in which they were begun the other way round: first nobody claims any more, then what is in flight ends.
  yield* Effect.forkScoped(Effect.forever(writeNext))
  yield* Effect.addFinalizer(() =>
    Effect.timeoutOption(FiberSet.awaitEmpty(attempts), shutdownGrace).pipe(
      Effect.andThen(FiberSet.clear(attempts)),
      Effect.andThen(Effect.timeoutOption(drained, writeGrace)),
      Effect.interruptible,
      Effect.ignore
    )
  )
  yield* Effect.forkScoped(Effect.forever(lookAndWait))

  yield* Effect.sleep(interval).pipe(
    Effect.andThen(Effect.ignore(unseen(repo.discardOfDisabled))),
    Effect.repeat(Schedule.forever),
    Effect.forkScoped
  )
  return wake.open
})

/** What is asked all the time is in no trace: each would be one of its own. */
const unseen = <A, E>(statement: Effect.Effect<A, E>) => Effect.withTracerEnabled(withTimeout(statement), false)

const isClaimed = (row: { readonly [Key in keyof Claimed]: Claimed[Key] | null }): row is Claimed => row.id !== null

/** So many outcomes are written in one statement at the most. */
const maxGroup = 500

/** So many are worth a statement of their own while others are in flight. */
const enough = 64

/** How long it takes to have a few together, in milliseconds. */
const moment = 5
