/**
 * What a test does with a running engine: lets time pass, waits until all is told, and looks at what its receiver got.
 *
 * Time passes in steps, from one delivery that becomes due to the next, so that each is tried at its own time.
 */
import { PgClient } from "@effect/sql-pg"
import { DeliverySignal, Erasures, Warnings } from "@hogsend/engine"
import { Duration, Effect, Schedule, Semaphore } from "effect"
import type { HogsendTestClock } from "../HogsendTest.ts"
import { MovableClock } from "./MovableClock.ts"
import { queueState } from "./QueueState.ts"
import { makeWebhookReceiver } from "./WebhookReceiver.ts"

export interface ControlOptions {
  /** Whether the engine's own queue is at work. */
  readonly delivers: boolean
  /** In milliseconds. */
  readonly settleTimeout?: number | undefined
}

export const makeControls = Effect.fnUntraced(function* ({ delivers, settleTimeout = 10_000 }: ControlOptions) {
  const sql = yield* PgClient.PgClient
  const { flush } = yield* Warnings
  const { eraseDue } = yield* Erasures
  const signal = yield* DeliverySignal
  const movable = yield* MovableClock
  const inTurn = (yield* Semaphore.make(1)).withPermit
  const state = Effect.map(Effect.orDie(queueState(sql)), ([row]) => row ?? { busy: false, nextIn: null })
  const idle = state.pipe(
    Effect.repeat({ until: ({ busy }) => !busy, schedule: Schedule.spaced("10 millis") }),
    Effect.timeoutOrElse({ duration: settleTimeout, orElse: () => Effect.die(neverIdle) })
  )
  const settled = Effect.andThen(flush, delivers ? idle : Effect.succeed({ busy: false, nextIn: null }))

  const moveTo = Effect.fnUntraced(function* (offset: number) {
    // First, since a worker may look at any moment, and what it finds due is to have the time at which it is.
    movable.setOffset(offset)
    // What is no query has no parameters; it is a number.
    yield* sql.unsafe(
      `create or replace function hogsend.now() returns timestamptz language sql stable parallel safe
        as 'select pg_catalog.now() + interval ''${offset} milliseconds'''`
    )
    yield* signal.send
    return yield* settled
  }, Effect.orDie)

  const moveOn = Effect.fnUntraced(function* (offset: number) {
    let { nextIn } = yield* settled
    for (let at = movable.offset(); nextIn !== null && at + nextIn < offset; at = movable.offset()) {
      // One further: the database counts in microseconds.
      nextIn = (yield* moveTo(at + Math.ceil(nextIn) + 1)).nextIn
    }
    yield* moveTo(offset)
    if ((yield* Effect.orDie(eraseDue)) > 0) yield* settled
  }, inTurn)

  const clock: HogsendTestClock = {
    adjust: (duration) => Effect.suspend(() => moveOn(movable.offset() + Math.round(Duration.toMillis(duration)))),
    setTime: (time) =>
      Effect.suspend(() => {
        const offset = Math.round(Number(time)) - Date.now()
        return offset < movable.offset() ? Effect.asVoid(inTurn(moveTo(offset))) : moveOn(offset)
      })
  }
  return { clock, receiver: yield* makeWebhookReceiver, settled: Effect.asVoid(settled) }
})

const neverIdle = new Error(
  "Deliveries are still due, and are not delivered. Is the endpoint's kind known, and does the analytics provider take writes?"
)
