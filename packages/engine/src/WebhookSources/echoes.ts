/**
 * What comes back of what this server had sent to a vendor: it happened here, and is stored already. Pure.
 *
 * Events carry the id of the installation in the property `hogsend`; and where a vendor keeps ids, the id of an event is that
 * of the message that told it.
 */
import { loopTestEventName, type SourceEvent } from "@hogsend/core"

/** But for what was sent to see it come back. */
export const isEcho = ({ eventProperties, name }: SourceEvent, installationId: string): boolean =>
  eventProperties?.["hogsend"] === installationId && name !== loopTestEventName

const uuid = /^(?:msg_)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i

/** The uuid of the message that an event may be, if its id can be one. */
export const messageIdOf = ({ idempotencyKey }: SourceEvent): string | undefined =>
  typeof idempotencyKey === "string" ? uuid.exec(idempotencyKey)?.[1]?.toLowerCase() : undefined
