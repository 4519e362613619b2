/**
 * How a change of identity holds still what it is about: contacts locked by id, and the keys read again under the lock.
 *
 * Locks on keys would not protect a merge that re-points other keys of the same contacts. Whoever finds that something
 * moved between its reading and its lock rolls back and begins again; after eight times it takes its turn under one global
 * lock, so nobody starves.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { isContention } from "../Database.ts"
import { slotOf } from "../IdentityKey.ts"
import { KeyLost } from "./applySteps.ts"
import type { KeyName, makeIdentityRepo } from "./IdentityRepo.ts"

/** Somebody else changed what this request is about between its reading and its lock: again. */
export class Moved extends Schema.TaggedError<Moved>()("Moved", {}) {}

const isMoved = (error: unknown): error is Moved | KeyLost => error instanceof Moved || error instanceof KeyLost

const mayRetry = (error: unknown): boolean => isMoved(error) || isContention(error)

const globalLock = "4812007002"

export const makeLocking = (sql: PgClient.PgClient, repo: Effect.Success<typeof makeIdentityRepo>) => ({
  /** Whom the keys belong to, locked, and what is known of them under the lock. Part of the caller's transaction. */
  lockedSnapshot: Effect.fnUntraced(function* (keys: ReadonlyArray<KeyName>) {
    const ids = contactIdsOf(yield* repo.findKeys(keys))
    const contacts = ids.length === 0 ? [] : yield* repo.lockContacts(ids)
    const snapshot = yield* repo.snapshot(keys, contacts)
    const named = keys.flatMap(({ kind, value }) => snapshot.keys.get(slotOf(kind, value)) ?? [])
    if (contactIdsOf(named).some((id) => !snapshot.contacts.has(id))) return yield* new Moved()
    return { contacts, snapshot }
  }),

  /** One transaction, as often as it takes until nothing moved under it. */
  untilStill: <A, E>(
    attempt: Effect.Effect<A, E | Moved | KeyLost | SqlError>
  ): Effect.Effect<A, Exclude<E, Moved | KeyLost> | SqlError> => {
    const once = sql.withTransaction(attempt)
    const inTurn = sql.withTransaction(
      Effect.andThen(sql`select pg_advisory_xact_lock(${sql.literal(globalLock)})`, attempt)
    )
    return once.pipe(
      Effect.retry({ while: mayRetry, times: 8 }),
      Effect.catchIf(mayRetry, () => Effect.retry(inTurn, { while: mayRetry, times: 100 })),
      Effect.catchIf(isMoved, () =>
        Effect.die(new Error("Identity keys kept moving for 100 attempts under the global lock"))
      )
    ) as Effect.Effect<A, Exclude<E, Moved | KeyLost> | SqlError>
  }
})

const contactIdsOf = (rows: ReadonlyArray<{ readonly contactId: string | null }>): ReadonlyArray<string> => [
  ...new Set(rows.flatMap(({ contactId }) => contactId ?? []))
]
