/** An event on its way into the database: everything that is known of it before the database is asked. */
import type { EventDraft, IngestionWarning } from "@hogsend/core"
import { slotOf } from "../IdentityKey.ts"
import type { GroupRequest } from "../IdentityResolver.ts"
import type { Principal } from "../Principals.ts"
import type { EventRow, IdempotencyClaim } from "./EventsRepo.ts"
import type { Item } from "./GroupCommit.ts"

export interface Submission extends GroupRequest, Item {
  readonly draft: EventDraft
  readonly principal: Principal
  /** All of the row but the key that it hangs on. */
  readonly event: Omit<EventRow, "keyId">
  readonly claim: IdempotencyClaim | undefined
  /** What of it was left out, before anybody looked whom it is about. */
  readonly warnings: ReadonlyArray<IngestionWarning>
}

/** The keys that it names: who shares one does not overtake. */
export const slotsOf = ({ assertion }: Principal): ReadonlyArray<string> =>
  assertion.keys.map(({ kind, value }) => slotOf(kind, value))

/** The slot of an idempotency key. */
export const onceOf = ({ key, scope }: Pick<IdempotencyClaim, "key" | "scope">): string => `once:${scope}:${key}`
