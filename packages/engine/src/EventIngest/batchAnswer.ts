/** What a caller is answered for a batch: a result for each event, or one failure when nothing of it could be stored. */
import {
  DatabaseUnavailable,
  type EventAccepted,
  type EventBatchAccepted,
  type EventBatchResult,
  type EventItemRefusal,
  Overloaded,
  RateLimited
} from "@hogsend/core"
import { Cause, Effect, Exit, Option } from "effect"
import type { EventRefused } from "../EventIngest.ts"

type ItemExit = Exit.Exit<EventAccepted, EventRefused | EventItemRefusal>

/** What says nothing about an event itself, so that the same one can be sent again. */
const isPassing = (error: unknown): error is DatabaseUnavailable | Overloaded | RateLimited =>
  error instanceof DatabaseUnavailable || error instanceof Overloaded || error instanceof RateLimited

export const toBatchAnswer = (
  exits: ReadonlyArray<ItemExit>
): Effect.Effect<EventBatchAccepted, DatabaseUnavailable | Overloaded | RateLimited> => {
  const failures = exits.flatMap((exit) => (Exit.isFailure(exit) ? [exit.cause] : []))
  const errors = failures.map(Cause.squash)
  const [passing] = errors.filter(isPassing)
  // What is wrong with an event is told, also beside those with which nothing is wrong.
  if (passing !== undefined && errors.every(isPassing) && errors.length === exits.length) return Effect.fail(passing)
  const defect = failures.find(Cause.hasDies)
  if (defect !== undefined && failures.length === exits.length) return Effect.failCause(defect as Cause.Cause<never>)
  return Effect.as(defect === undefined ? Effect.void : Effect.logError("An event of a batch failed", defect), {
    results: exits.map(toResult)
  })
}

/** The same where all of it is sent again if any of it could not be stored, and has idempotency keys. */
export const toResults = (
  exits: ReadonlyArray<ItemExit>
): Effect.Effect<ReadonlyArray<EventBatchResult>, DatabaseUnavailable | Overloaded | RateLimited> => {
  const causes = exits.flatMap((exit) => (Exit.isFailure(exit) ? [exit.cause] : []))
  const passing = causes.map(Cause.squash).find(isPassing)
  if (passing !== undefined) return Effect.fail(passing)
  const defect = causes.find(Cause.hasDies)
  return defect === undefined ? Effect.succeed(exits.map(toResult)) : Effect.failCause(defect as Cause.Cause<never>)
}

const toResult = (exit: ItemExit): EventBatchResult => {
  if (Exit.isSuccess(exit)) {
    const { exits: _, stored, ...said } = exit.value
    return { status: stored ? "stored" : "duplicate", ...said }
  }
  return { status: "rejected", error: Option.getOrElse(Exit.findErrorOption(exit), () => fault) }
}

const fault = { _tag: "InternalFault", error: "Something broke on our side. Nothing of this event was stored." }
