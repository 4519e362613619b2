/**
 * What a source's `transform` said, as an event that the API could have been sent: the same bounds hold for both, and what is
 * no event is refused as there. Pure.
 */
import { decodeEventItem, type Properties, RequestInvalid, type SourceEvent, type WebhookSource } from "@hogsend/core"
import type { SourceDraft } from "../EventIngest.ts"
import type { SourceClaims } from "../Principals.ts"

export const toSourceDraft = (source: WebhookSource, event: SourceEvent): SourceDraft => {
  const claims = claimsOf(event)
  if (claims === undefined) return { draft: withoutId, claims: {} }
  const { distinctId: _, ...keys } = claims
  const { contactProperties, currency, eventProperties, groups, idempotencyKey, name, timestamp, value } = event
  const given = Object.entries({
    ...keys,
    name,
    eventProperties,
    contactProperties: source.trust === "server" ? contactProperties : listed(source, contactProperties),
    value,
    currency,
    groups,
    idempotencyKey,
    timestamp: timestamp instanceof Date ? isoOf(timestamp) : timestamp
  })
  // Vendors say null where nothing is, and what is undefined is not absent where it is decoded.
  return {
    draft: decodeEventItem(Object.fromEntries(given.filter(([, field]) => field !== undefined && field !== null))),
    claims
  }
}

/** Undefined for an event of a public source without an id. */
const claimsOf = (event: SourceEvent): SourceClaims | undefined => {
  if (!("distinctId" in event)) {
    const { anonymousId, email, emailVerified, userId } = event
    return { userId, email, emailVerified, anonymousId }
  }
  const { distinctId } = event
  return typeof distinctId === "string" && distinctId !== "" ? { distinctId } : undefined
}

const withoutId = RequestInvalid.at("payload", [{ path: ["distinctId"], message: "Expected the id of a person" }])

/** Of what a stranger says of a person, what the operator lists. */
const listed = ({ contactProperties = [] }: WebhookSource, said: Properties | undefined): Properties | undefined =>
  typeof said !== "object" || said === null
    ? undefined
    : Object.fromEntries(Object.entries(said).filter(([name]) => contactProperties.includes(name)))

/** Of a date that is none: what decoding refuses. */
const isoOf = (date: Date): string => (Number.isNaN(date.getTime()) ? "no date" : date.toISOString())
