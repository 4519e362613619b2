/**
 * How a change of identity holds still what it is about: contacts locked by id, and the keys read again under the lock.
 *
 * Locks on keys would not protect a merge that re-points other keys of the same contacts. Whoever finds that something
 * moved between its reading and its lock begins again (`untilStill`).
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Moved, untilStill } from "../Database.ts"
import { slotOf } from "../IdentityKey.ts"
import type { KeyName, makeIdentityRepo } from "./IdentityRepo.ts"

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

  untilStill: untilStill(sql)
})

const contactIdsOf = (rows: ReadonlyArray<{ readonly contactId: string | null }>): ReadonlyArray<string> => [
  ...new Set(rows.flatMap(({ contactId }) => contactId ?? []))
]
