/** A contact as everybody reads it, over HTTP and in what the outside world is told: made of its row and its keys. Pure. */
import { type Contact, ContactId } from "@hogsend/core"
import type { Schema } from "effect"
import { visibleProperties } from "../contactProperties.ts"
import type { DatedRow } from "./IdentityRepo.ts"
import { canonicalAnonymousOf, contactKeyOf, currentEmailOf, externalOf, type KeyState } from "./snapshot.ts"

export type PublicContact = Schema.Struct.Type<typeof Contact.fields>

export const publicContact = (row: DatedRow, keys: ReadonlyArray<KeyState>): PublicContact => {
  const state = { id: row.id, keys }
  const { createdAt, firstSeenAt, lastSeenAt, source, timezone, updatedAt } = row
  return {
    ...contactKeyOf(state),
    id: ContactId.make(row.id),
    externalId: externalOf(state)?.value ?? null,
    email: currentEmailOf(state)?.value ?? null,
    anonymousId: canonicalAnonymousOf(state)?.value ?? null,
    properties: visibleProperties(row),
    timezone,
    source,
    firstSeenAt,
    lastSeenAt,
    createdAt,
    updatedAt
  }
}
