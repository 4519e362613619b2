/** What a caller is answered for an event. */
import {
  type EventAccepted,
  type EventDraft,
  IdempotencyKeyReused,
  type IngestionWarning,
  ReservedEventName
} from "@hogsend/core"
import type { ContactKey } from "../IdentityResolver.ts"

export const accepted = (
  { contactKey, contactKeyKind, safeToIdentify }: ContactKey,
  draft: EventDraft,
  warnings: ReadonlyArray<IngestionWarning>
): EventAccepted => ({
  stored: true,
  exits: [],
  contactKey,
  contactKeyKind,
  safeToIdentify,
  ...(warnings.length === 0 ? {} : { warnings }),
  ...(draft.lists === undefined
    ? {}
    : { listsError: "This server has no lists yet; the event was stored without them." })
})

/** Nothing was changed: it was stored before, or its person was erased. */
export const notStored = (
  key: ContactKey,
  draft: EventDraft,
  warnings: ReadonlyArray<IngestionWarning>
): EventAccepted => ({ ...accepted(key, draft, warnings), stored: false })

export const reservedName = (name: string) =>
  new ReservedEventName({
    error: `The event name ${JSON.stringify(name.slice(0, 60))} is reserved for servers. Send it with a secret key, or choose another name.`
  })

export const keyReused = new IdempotencyKeyReused({
  error: "This Idempotency-Key was used for another event. Use a new key for new content."
})
