/** What an event says, as a hash: the same idempotency key with another fingerprint is another event. */
import type { EventDraft } from "@hogsend/core"
import { sha256Hex } from "../SyncCrypto.ts"

/** Of the content alone: a retry may bring a fresh token, and may put its key in the header or in the body. */
export const fingerprintOf = (draft: EventDraft): string => {
  const {
    idempotencyKey: _key,
    properties: _unknown,
    restore: _restore,
    source: _source,
    timestamp,
    userToken: _token,
    ...content
  } = draft
  return sha256Hex(JSON.stringify(sorted({ ...content, timestamp: timestamp?.toISOString() ?? null })))
}

/** With the names of every object in order. */
const sorted = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const named: Array<[string, unknown]> = []
  for (const name of Object.keys(value).toSorted()) named.push([name, sorted(value[name as keyof typeof value])])
  return Object.fromEntries(named)
}
