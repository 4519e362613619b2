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
  return sha256Hex(canonicalJson({ ...content, timestamp: timestamp?.toISOString() ?? null }))
}

/** JSON with the names of every object in order. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner
  )
