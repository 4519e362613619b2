/** What becomes of a holder who leaves: deleted, or taken out of reach until it is time. In both cases their keys are buried. */
import { Effect } from "effect"
import type { AnalyticsProvider } from "@hogsend/core"
import { AnalyticsProviders } from "../AnalyticsProviders.ts"
import { contactEvents, type IdentityResolver } from "../IdentityResolver.ts"
import type { OutboundMessages } from "../OutboundMessages.ts"
import { strangerId } from "../strangerId.ts"
import type { Tombstones } from "../Tombstones.ts"
import { distinctIdsOf } from "./distinctIdsOf.ts"
import type { Done, LockedKey, makeErasuresRepo, Removed } from "./ErasuresRepo.ts"
import type { ProviderAsked } from "./providerReceipt.ts"
import { Moved } from "../Database.ts"
import { type Holder, lockKeys } from "./lockHolder.ts"

export interface RemovingParts {
  readonly repo: ReturnType<typeof makeErasuresRepo>
  readonly tombstones: Tombstones["Service"]
  readonly resolver: IdentityResolver["Service"]
  readonly outbound: OutboundMessages["Service"]
  readonly provider: AnalyticsProvider["Service"]
}

/** A contact, as long as it is there for everybody. */
type Known = Holder & { readonly contactId: string }

/**
 * Deletes everything that is kept of the holder. Of one who was out of reach the keys lie buried, and the outside world
 * knows, since then; of a visitor who was only observed it never heard. The analytics provider is told of all of them, and
 * now: until then an operator could have taken it back.
 */
export const deleteHolder = Effect.fnUntraced(function* (parts: RemovingParts, holder: Holder, wasHidden: boolean) {
  const { outbound, repo, tombstones } = parts
  const retries = yield* repo.eraseIdempotencyKeys(holder.keyIds)
  const keys = yield* lockKeys(repo, holder)
  // Events that arrived while we waited for their keys have idempotency rows of their own.
  if ((yield* repo.eraseIdempotencyKeys(holder.keyIds)) > 0) return yield* new Moved()
  yield* tombstones.bury(keys.filter(({ kind }) => kind !== "history"))
  const { contactId } = holder
  const strangers = strangersOf(tombstones, keys)
  const contactIds = [...holder.contactIds, ...strangers]
  if (contactId !== null && !wasHidden) yield* tellDeleted(parts, contactId)
  const provider = yield* askProvider(parts, contactId ?? strangers[0] ?? null, keys)
  yield* outbound.withdraw(contactIds)
  yield* outbound.release(contactIds)
  const removed: Removed = { ...(yield* repo.eraseAll(contactIds, holder.keyIds)), idempotency_keys: retries }
  return { removed, provider } satisfies Done
})

/** Nobody finds the contact any more; an operator can take it back within the days. */
export const hideHolder = Effect.fnUntraced(function* (parts: RemovingParts, holder: Known, days: number) {
  const { outbound, repo, tombstones } = parts
  const keys = yield* lockKeys(repo, holder)
  yield* tombstones.bury(keys.filter(({ kind }) => kind !== "history"))
  yield* tellDeleted(parts, holder.contactId)
  yield* outbound.withdraw([...holder.contactIds, ...strangersOf(tombstones, keys)])
  yield* repo.hide(holder.contactId, holder.keyIds, days)
})

/** The last thing that is told of a contact. */
const tellDeleted = Effect.fnUntraced(function* ({ outbound, resolver }: RemovingParts, contactId: string) {
  yield* outbound.tell(contactEvents({ before: [yield* resolver.portray(contactId)], after: [] }))
})

/** The last thing that the analytics provider is told of somebody. */
const askProvider = Effect.fnUntraced(function* (
  { outbound, provider }: RemovingParts,
  contactId: string | null,
  keys: ReadonlyArray<LockedKey>
) {
  const not = (outcome: ProviderAsked["outcome"]): ProviderAsked => ({ outcome, deliveryId: null })
  if (provider.meta.id === AnalyticsProviders.none.meta.id) return not("none")
  if (provider.capabilities.deletePerson !== true) return not("cannot")
  const distinctIds = distinctIdsOf(keys)
  if (distinctIds.length === 0) return not("shared")
  const [deliveryId] = yield* outbound.tell([{ type: "person.delete", contactId, data: { distinctIds } }])
  return deliveryId === undefined ? not("unheard") : ({ outcome: "asked", deliveryId } satisfies ProviderAsked)
})

/** What was told under a key while nobody held it hangs on that. */
export const strangersOf = (
  tombstones: Tombstones["Service"],
  keys: ReadonlyArray<Pick<LockedKey, "former" | "value">>
) => keys.map(({ former, value }) => strangerId(tombstones, (former ?? { value }).value))
