/**
 * Ingestion warnings: what was refused of requests that were accepted, and the keys of those that were not for want of a
 * good one. They are answered to the caller and kept here, so
 * that an operator finds out about a sender that nobody watches: counted by code, source and hour, with the last examples
 * of each code, which never hold a whole key.
 *
 * A request only adds to a buffer of bounded size; every second it is stored in one transaction. What the database refuses
 * is kept and tried again. A process that crashes loses at most the last second; a connection that dies between a commit
 * and its answer can count that second twice.
 */
import { PgClient } from "@effect/sql-pg"
import {
  type Caller,
  type DatabaseUnavailable,
  type IdentityMissing,
  type IngestionWarning,
  type Page,
  Warning,
  type WarningExample,
  warningKind
} from "@hogsend/core"
import { Cause, Clock, Context, Effect, Exit, Layer, Schedule, Semaphore } from "effect"
import { SqlError } from "effect/sql/SqlError"
import { orUnavailable, withTimeout } from "./Database.ts"
import { Metrics } from "./Metrics.ts"
import { type About, makeWarningBuffer, type Recorded } from "./Warnings/warningBuffer.ts"
import { makeWarningsRepo } from "./Warnings/WarningsRepo.ts"

export interface WarningsOptions {
  /** How often what was recorded is stored, in milliseconds. 1000. */
  readonly interval?: number
  /** How many examples of each code are kept. 100. */
  readonly examplesPerCode?: number
}

/** What was refused of requests that were accepted: counted by code, source and hour, with examples. */
export class Warnings extends Context.Service<
  Warnings,
  {
    /**
     * For after the commit of what they are about; in a transaction it waits for that by itself. Asks the database for
     * nothing.
     */
    readonly record: (warnings: ReadonlyArray<IngestionWarning>, about: About) => Effect.Effect<void>
    /** Of a request that was refused, since every key of it was. */
    readonly recordMissing: (caller: Caller["Service"]) => (missing: IdentityMissing) => Effect.Effect<void>
    /** Stores what this process has recorded, or keeps it for the next time. It also runs by itself. */
    readonly flush: Effect.Effect<void>
    /** The kinds, most recent first; the one of a code when it is given. */
    readonly list: (
      page: Page,
      code: string | undefined
    ) => Effect.Effect<{ readonly warnings: ReadonlyArray<Warning>; readonly total: number }, DatabaseUnavailable>
    /** Of a code, newest first; none of one that was never given. */
    readonly examples: (
      page: Page,
      code: string
    ) => Effect.Effect<
      { readonly examples: ReadonlyArray<WarningExample>; readonly total: number },
      DatabaseUnavailable
    >
  }
>()("engine/Warnings") {
  static readonly layer = ({ examplesPerCode = 100, interval = 1000 }: WarningsOptions = {}) =>
    Layer.effect(
      Warnings,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = makeWarningsRepo(sql, examplesPerCode)
        const buffer = makeWarningBuffer()
        const count = yield* Metrics.counter("hogsend_warnings_total")
        const oneAtATime = yield* Semaphore.make(1)
        const last = { failed: false }

        const record: Warnings["Service"]["record"] = (warnings, about) =>
          warnings.length === 0
            ? Effect.void
            : Effect.flatMap(Clock.currentTimeMillis, (now) =>
                sql.afterCommit(
                  Effect.sync(() => {
                    buffer.record(warnings, about, now)
                    // A host app's own codes may be as many as it likes.
                    for (const { code } of warnings) count(warningKind(code) === undefined ? "other" : code)(1)
                  })
                )
              )

        const recordMissing: Warnings["Service"]["recordMissing"] =
          ({ restricted }) =>
          ({ warnings = [] }) =>
            record(warnings, { source: restricted ? "inapp" : "api", contactId: null })

        const store = Effect.fn("Warnings.store")(function* (recorded: Recorded) {
          return yield* repo.store(recorded, yield* Clock.currentTimeMillis)
        }, withTimeout)

        const flush = Effect.acquireUseRelease(
          Effect.sync(buffer.take),
          (recorded) => (isNothing(recorded) ? Effect.succeed([]) : store(recorded)),
          (recorded, stored) =>
            Effect.sync(() => buffer.put(Exit.isSuccess(stored) ? { counts: [], examples: stored.value } : recorded))
        ).pipe(
          Effect.matchCauseEffect({
            onSuccess: () => {
              last.failed = false
              return Effect.void
            },
            onFailure: (cause) => {
              if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
              const again = last.failed
              last.failed = true
              return again ? Effect.void : Effect.logWarning(notStored, nameOf(cause))
            }
          }),
          oneAtATime.withPermit
        )

        const list = Effect.fn("Warnings.list")(function* (page: Page, code: string | undefined) {
          yield* flush
          const kinds = yield* repo.kinds(page, code)
          const examples = yield* repo.examples(
            kinds.map((kind) => kind.code),
            { limit: listedExamples, offset: 0 }
          )
          const byCode = Map.groupBy(examples, (example) => example.code)
          return {
            warnings: kinds.map((kind) => {
              const own = byCode.get(kind.code) ?? []
              return new Warning({ ...kind, hint: warningKind(kind.code)?.hint ?? unknownKind, examples: own })
            }),
            total: yield* repo.countKinds(code)
          }
        }, orUnavailable)

        const examples = Effect.fn("Warnings.examples")(function* (page: Page, code: string) {
          yield* flush
          return { examples: yield* repo.examples([code], page), total: yield* repo.countExamples(code) }
        }, orUnavailable)

        // Released after the loop that is forked below, and so with nobody else at it.
        yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(Effect.interruptible(flush), closeTimeout)))
        yield* Effect.sleep(interval).pipe(Effect.andThen(flush), Effect.repeat(Schedule.forever), Effect.forkScoped)
        return Warnings.of({ record, recordMissing, flush, list, examples })
      })
    )
}

const isNothing = ({ counts, examples }: Recorded): boolean => counts.length + examples.length === 0

const listedExamples = 5

/** A shutdown has better things to do than to wait for a database that is gone. */
const closeTimeout = "3 seconds"

const notStored = "Warnings could not be stored; they are kept and tried again"

/** What went wrong, without the values that an error of the database can hold. */
const nameOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof SqlError ? error.reason._tag : "Defect"
}

const unknownKind = "This version does not know this kind of warning; its examples say what callers were told."
