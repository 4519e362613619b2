/** What becomes of a holder who leaves: deleted, or taken out of reach until it is time. In both cases their keys are buried. */
import { Effect } from "effect"
import { contactEvents, type IdentityResolver } from "../IdentityResolver.ts"
import type { OutboundMessages } from "../OutboundMessages.ts"
import { strangerId } from "../strangerId.ts"
import type { Tombstones } from "../Tombstones.ts"
import type { LockedKey, makeErasuresRepo, Removed } from "./ErasuresRepo.ts"
import { Moved } from "../Database.ts"
import { type Holder, lockKeys } from "./lockHolder.ts"

export interface RemovingParts {
  readonly repo: ReturnType<typeof makeErasuresRepo>
  readonly tombstones: Tombstones["Service"]
  readonly resolver: IdentityResolver["Service"]
  readonly outbound: OutboundMessages["Service"]
}

/** A contact, as long as it is there for everybody. */
type Known = Holder & { readonly contactId: string }

/**
 * Deletes everything that is kept of the holder. Of one who was out of reach the keys lie buried, and the outside world
 * knows, since then; of a visitor who was only observed it never heard.
 */
export const deleteHolder = Effect.fnUntraced(function* (
  { outbound, repo, resolver, tombstones }: RemovingParts,
  holder: Holder,
  wasHidden: boolean
) {
  const retries = yield* repo.eraseIdempotencyKeys(holder.keyIds)
  const keys = yield* lockKeys(repo, holder)
  // Events that arrived while we waited for their keys have idempotency rows of their own.
  if ((yield* repo.eraseIdempotencyKeys(holder.keyIds)) > 0) return yield* new Moved()
  yield* tombstones.bury(keys.filter(({ kind }) => kind !== "history"))
  const { contactId } = holder
  const strangers = strangersOf(tombstones, keys)
  if (contactId !== null && !wasHidden) yield* tellDeleted({ outbound, resolver }, { ...holder, contactId }, strangers)
  yield* outbound.release(holder.contactIds)
  const removed: Removed = {
    ...(yield* repo.eraseAll([...holder.contactIds, ...strangers], holder.keyIds)),
    idempotency_keys: retries
  }
  return removed
})

/** Nobody finds the contact any more; an operator can take it back within the days. */
export const hideHolder = Effect.fnUntraced(function* (
  { outbound, repo, resolver, tombstones }: RemovingParts,
  holder: Known,
  days: number
) {
  const keys = yield* lockKeys(repo, holder)
  yield* tombstones.bury(keys.filter(({ kind }) => kind !== "history"))
  yield* tellDeleted({ outbound, resolver }, holder, strangersOf(tombstones, keys))
  yield* repo.hide(holder.contactId, holder.keyIds, days)
})

/** The last thing that is told of a contact. */
const tellDeleted = Effect.fnUntraced(function* (
  { outbound, resolver }: Pick<RemovingParts, "outbound" | "resolver">,
  { contactId, contactIds }: Known,
  strangers: ReadonlyArray<string>
) {
  yield* outbound.tell(contactEvents({ before: [yield* resolver.portray(contactId)], after: [] }))
  yield* outbound.withdraw([...contactIds, ...strangers])
})

/** What was told under a key while nobody held it hangs on that. */
const strangersOf = (tombstones: Tombstones["Service"], keys: ReadonlyArray<LockedKey>) =>
  keys.map(({ former, value }) => strangerId(tombstones, (former ?? { value }).value))
