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
  return { removed, provider, distinctIds: isByHand(provider) ? distinctIdsOf(keys) : null } satisfies Done
})

/**
 * Nobody finds the contact any more; an operator can take it back within the days. Answers under which ids the analytics
 * provider may know them, where it deletes nobody: when it is time nobody hears of it.
 */
export const hideHolder = Effect.fnUntraced(function* (parts: RemovingParts, holder: Known, days: number) {
  const { outbound, repo, tombstones } = parts
  const keys = yield* lockKeys(repo, holder)
  yield* tombstones.bury(keys.filter(({ kind }) => kind !== "history"))
  yield* tellDeleted(parts, holder.contactId)
  yield* outbound.withdraw([...holder.contactIds, ...strangersOf(tombstones, keys)])
  yield* repo.hide(holder.contactId, holder.keyIds, days)
  const cannot = refusalOf(parts.provider, distinctIdsOf(keys))
  return cannot !== null && isByHand(cannot) ? distinctIdsOf(keys) : null
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
  const distinctIds = distinctIdsOf(keys)
  const refusal = refusalOf(provider, distinctIds)
  if (refusal !== null) return refusal
  const [deliveryId] = yield* outbound.tell([{ type: "person.delete", contactId, data: { distinctIds } }])
  return deliveryId === undefined ? not("unheard") : ({ outcome: "asked", deliveryId } satisfies ProviderAsked)
})

/** Why the provider is not asked; null: it is. */
const refusalOf = (
  { capabilities, meta }: AnalyticsProvider["Service"],
  distinctIds: ReadonlyArray<string>
): ProviderAsked | null => {
  if (meta.id === AnalyticsProviders.none.meta.id) return not("none")
  if (distinctIds.length === 0) return not("shared")
  return capabilities.deletePerson === true ? null : not("cannot")
}

const not = (outcome: ProviderAsked["outcome"]): ProviderAsked => ({ outcome, deliveryId: null })

/** Whether somebody has to delete the person there. */
const isByHand = ({ outcome }: ProviderAsked): boolean => outcome === "cannot" || outcome === "unheard"

/** What was told under a key while nobody held it hangs on that. */
export const strangersOf = (
  tombstones: Tombstones["Service"],
  keys: ReadonlyArray<Pick<LockedKey, "former" | "value">>
) => keys.map(({ former, value }) => strangerId(tombstones, (former ?? { value }).value))
