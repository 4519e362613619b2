/**
 * Erases whoever holds the keys, in one transaction and in the product's lock order: the contact and whom it absorbed,
 * idempotency rows, keys, the rest.
 *
 * What was read before a lock is read again under it; when it has changed, because of a merge or a promotion meanwhile,
 * everything is rolled back and begins again. A visitor who was only observed is erased by their key.
 */
import type { PgClient } from "@effect/sql-pg"
import { ContactNotFound, KeysDisagree } from "@hogsend/core"
import { Effect, Schema } from "effect"
import { isContention } from "../Database.ts"
import type { makeContactsRepo, OwnedKey, Owner } from "./ContactsRepo.ts"

export const notFound = new ContactNotFound({ error: "Contact not found. Nobody has this id or key." })

const keysDisagree = new KeysDisagree({
  error: "These keys belong to different contacts. Nothing was erased; name one contact."
})

/** Somebody merged, promoted or linked what is to be erased between its reading and its lock. */
class OwnerMoved extends Schema.TaggedError<OwnerMoved>()("OwnerMoved", {}) {}

export const makeErase = (sql: PgClient.PgClient, repo: ReturnType<typeof makeContactsRepo>) => {
  const attempt = Effect.fnUntraced(function* (keys: ReadonlyArray<OwnedKey>) {
    const owners = yield* repo.owners(keys)
    const [contactId = null, another] = [...new Set(owners.flatMap((owner) => owner.contactId ?? []))]
    const line = contactId === null ? [] : yield* repo.lockLine(contactId)
    if (!isSame(owners, yield* repo.owners(keys))) return yield* new OwnerMoved()
    // Somebody may have been merged into the contact while we waited for its lock; now nobody can.
    if (contactId !== null && (yield* repo.lockLine(contactId)).length > line.length) return yield* new OwnerMoved()
    if (owners.length === 0) return yield* notFound
    if (another !== undefined) return yield* keysDisagree

    const held = contactId === null ? [] : yield* repo.keysOf(contactId)
    const keyIds = [...new Set([...held.map(({ id }) => id), ...owners.map(({ keyId }) => keyId)])]
    yield* repo.eraseIdempotencyKeys(keyIds)
    const locked = yield* repo.lockKeys(keyIds)
    if (locked.length < keyIds.length || locked.some((key) => key.contactId !== null && key.contactId !== contactId)) {
      return yield* new OwnerMoved()
    }
    // Events that arrived while we waited for their keys have idempotency rows of their own.
    if ((yield* repo.eraseIdempotencyKeys(keyIds)).length > 0) return yield* new OwnerMoved()
    yield* repo.eraseAll(
      line.map(({ id }) => id),
      keyIds
    )
    return contactId ?? owners[0]?.keyId ?? null
  })

  /** Answers the id of what was erased: the contact, or the key of an observed visitor. */
  return (keys: ReadonlyArray<OwnedKey>) =>
    attempt(keys).pipe(
      sql.withTransaction,
      Effect.retry({ while: (error) => error instanceof OwnerMoved || isContention(error), times: 100 }),
      Effect.catchTag("OwnerMoved", () => Effect.die(new Error("What was to be erased kept moving for 100 attempts")))
    )
}

const isSame = (before: ReadonlyArray<Owner>, after: ReadonlyArray<Owner>): boolean =>
  before.length === after.length &&
  before.every(({ contactId, keyId }, at) => after[at]?.keyId === keyId && after[at].contactId === contactId)
