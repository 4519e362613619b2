/**
 * Locks between processes that a dead holder cannot keep: the operating system drops them with the process.
 *
 * Node has no `flock`; a transaction of the SQLite that it ships with takes the same kind of lock, in any number of
 * processes and several times in one process. Nothing is ever written into the files. Not for network file systems.
 */
import { Effect, Schedule } from "effect"
import { DatabaseSync } from "node:sqlite"
import { attempt, EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"

// With its journal in memory SQLite makes no second file beside the lock.
const statements = {
  exclusive: "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE",
  shared: "PRAGMA journal_mode = MEMORY; BEGIN; SELECT 1 FROM sqlite_schema"
}

const busy = 5
const isBusy = (cause: unknown) => cause instanceof Error && "errcode" in cause && cause.errcode === busy

/** Takes the lock if it is free at this moment and gives what releases it, else `undefined`. */
export const tryTake = Effect.fnUntraced(function* (file: string, mode: "exclusive" | "shared") {
  const sentence = `The lock file ${file} cannot be used; check that you may write to its folder.`
  const database = yield* attempt("lock", sentence, () => new DatabaseSync(file, { timeout: 0 }))
  const release = Effect.sync(() => database.close())
  return yield* Effect.try({ try: () => database.exec(statements[mode]), catch: (cause) => cause }).pipe(
    Effect.as<Effect.Effect<void> | undefined>(release),
    Effect.catch((cause) =>
      Effect.andThen(
        release,
        isBusy(cause)
          ? Effect.undefined
          : Effect.fail(new EmbeddedPostgresFailed({ step: "lock", reason: `${sentence} (${String(cause)})` }))
      )
    )
  )
})

/** Runs the effect while nobody else holds the lock, waiting for it up to 90 seconds. */
export const withLock = <A, E, R>(file: string, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    tryTake(file, "exclusive").pipe(
      Effect.flatMap((release) => (release === undefined ? Effect.fail("busy" as const) : Effect.succeed(release))),
      // Counted, since a timeout cannot cut short what its caller made uninterruptible.
      Effect.retry({ while: (failure) => failure === "busy", schedule: Schedule.spaced("20 millis"), times: 4500 }),
      Effect.mapError((failure) =>
        failure === "busy"
          ? new EmbeddedPostgresFailed({
              step: "lock",
              reason: `Another process has been starting or stopping this database for 90 seconds (it holds ${file}). Look for a stuck one and end it.`
            })
          : failure
      )
    ),
    () => effect,
    (release) => release
  )
