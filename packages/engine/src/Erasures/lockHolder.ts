/**
 * Who holds keys, with everything locked that names them, in the product's lock order: the contact and whom it absorbed,
 * idempotency rows, keys.
 *
 * What was read before a lock is read again under it; when it has changed, because of a merge or a promotion meanwhile, it
 * fails with `Moved`: everything is rolled back and begins again. Part of the caller's transaction.
 */
import { ContactNotFound, KeysDisagree } from "@hogsend/core"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Moved } from "../Database.ts"
import type { makeErasuresRepo, Owner } from "./ErasuresRepo.ts"

/** A contact with its keys, or the keys of a visitor who was only observed. */
export interface Holder {
  readonly contactId: string | null
  /** The contact and everybody whom it absorbed. */
  readonly contactIds: ReadonlyArray<string>
  readonly keyIds: ReadonlyArray<string>
}

type Repo = ReturnType<typeof makeErasuresRepo>

/** Locks whom `owners` finds: one contact and nobody else. */
export const lockHolder = Effect.fnUntraced(function* (
  repo: Repo,
  owners: Effect.Effect<ReadonlyArray<Owner>, SqlError>
) {
  const found = yield* owners
  const [contactId = null, another] = [...new Set(found.flatMap((owner) => owner.contactId ?? []))]
  const line = contactId === null ? [] : yield* repo.lockLine(contactId)
  if (!isSame(found, yield* owners)) return yield* new Moved()
  // Somebody may have been merged into the contact, or split off it, while we waited for its lock; now nobody can.
  if (contactId !== null && !isSameLine(line, yield* repo.lockLine(contactId))) return yield* new Moved()
  if (found.length === 0) return yield* notFound
  if (another !== undefined) return yield* keysDisagree
  const held = contactId === null ? [] : yield* repo.keysOf(contactId)
  const leftOut = yield* repo.leftOutOf(line.map(({ id }) => id))
  const keyIds = [...new Set([...held, ...leftOut].map(({ id }) => id).concat(found.map(({ keyId }) => keyId)))]
  return { contactId, contactIds: line.map(({ id }) => id), keyIds } satisfies Holder
})

/** The holder's keys, locked, after events that are on their way under them. */
export const lockKeys = Effect.fnUntraced(function* (repo: Repo, { contactId, keyIds }: Holder) {
  const locked = yield* repo.lockKeys(keyIds)
  const moved = locked.some((key) => key.contactId !== null && key.contactId !== contactId)
  return moved || locked.length < keyIds.length ? yield* new Moved() : locked
})

const isSameLine = (before: ReadonlyArray<{ readonly id: string }>, after: ReadonlyArray<{ readonly id: string }>) =>
  before.length === after.length && before.every(({ id }, at) => after[at]?.id === id)

const isSame = (before: ReadonlyArray<Owner>, after: ReadonlyArray<Owner>): boolean =>
  before.length === after.length &&
  before.every(({ contactId, keyId }, at) => after[at]?.keyId === keyId && after[at].contactId === contactId)

export const notFound = new ContactNotFound({ error: "Contact not found. Nobody has this id or key." })

const keysDisagree = new KeysDisagree({
  error: "These keys belong to different contacts. Nothing was erased; name one contact."
})
