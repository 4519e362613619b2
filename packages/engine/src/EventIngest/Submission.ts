/** An event on its way into the database: everything that is known of it before the database is asked. */
import type { EventDraft, IngestionWarning } from "@hogsend/core"
import { slotOf } from "../IdentityKey.ts"
import type { GroupRequest } from "../IdentityResolver.ts"
import type { Principal } from "../Principals.ts"
import type { EventRow, IdempotencyClaim } from "./EventsRepo.ts"

export interface Submission extends GroupRequest {
  readonly draft: EventDraft
  readonly principal: Principal
  /** All of the row but the key that it hangs on. */
  readonly event: Omit<EventRow, "keyId">
  readonly claim: IdempotencyClaim | undefined
  /** What of it was left out, before anybody looked whom it is about. */
  readonly warnings: ReadonlyArray<IngestionWarning>
  /** What must not overtake one another: the keys that it names, and its idempotency key. */
  readonly slots: ReadonlyArray<string>
  /** About how much it takes on its way, in bytes. */
  readonly size: number
}

export const slotsOf = ({ assertion }: Principal, claim: IdempotencyClaim | undefined): ReadonlyArray<string> => {
  const keys = assertion.keys.map(({ kind, value }) => slotOf(kind, value))
  return claim === undefined ? keys : [...keys, `once:${claim.scope}:${claim.key}`]
}
