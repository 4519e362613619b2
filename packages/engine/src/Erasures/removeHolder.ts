/** What becomes of a holder who leaves: deleted, or taken out of reach until it is time. In both cases their keys are buried. */
import { Effect } from "effect"
import type { Tombstones } from "../Tombstones.ts"
import type { makeErasuresRepo, Removed } from "./ErasuresRepo.ts"
import { Moved } from "../Database.ts"
import { type Holder, lockKeys } from "./lockHolder.ts"

type Repo = ReturnType<typeof makeErasuresRepo>
type Graves = Tombstones["Service"]

/** Deletes everything that is kept of the holder. The keys of one who was out of reach lie buried since then. */
export const deleteHolder = Effect.fnUntraced(function* (repo: Repo, { bury }: Graves, holder: Holder) {
  const retries = yield* repo.eraseIdempotencyKeys(holder.keyIds)
  const keys = yield* lockKeys(repo, holder)
  // Events that arrived while we waited for their keys have idempotency rows of their own.
  if ((yield* repo.eraseIdempotencyKeys(holder.keyIds)) > 0) return yield* new Moved()
  yield* bury(keys.filter(({ kind }) => kind !== "history"))
  const removed: Removed = { ...(yield* repo.eraseAll(holder.contactIds, holder.keyIds)), idempotency_keys: retries }
  return removed
})

/** Nobody finds the contact any more; an operator can take it back within the days. */
export const hideHolder = Effect.fnUntraced(function* (
  repo: Repo,
  { bury }: Graves,
  holder: Holder & { readonly contactId: string },
  days: number
) {
  const keys = yield* lockKeys(repo, holder)
  yield* bury(keys.filter(({ kind }) => kind !== "history"))
  yield* repo.hide(holder.contactId, holder.keyIds, days)
})
