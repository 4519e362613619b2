/**
 * Segment's webhook destinations: `track` under its own name, `identify` and `group` as `segment.…`; pages, screens and
 * aliases are left out.
 *
 * Public: browsers write these calls under a write key that everybody can read. Segment signs the body with HMAC-SHA1 in
 * `X-Signature`, in hex, and knows no time of signing; a batch it signs by its first event alone, so batches are refused.
 */
import { defineWebhookSource, type PublicSourceEvent, type SourceSecret } from "@hogsend/core"
import { dateOf, numberIn, objectIn, textIn, VendorObject } from "./VendorObject.ts"

/** What `segment` is told. */
export interface SegmentSourceOptions {
  /** The destination's shared secret. */
  readonly secret: SourceSecret
  /** Traits that are copied to the contact. Anybody who can read the write key can write them. None. */
  readonly traits?: ReadonlyArray<string>
}

/** The source `segment`: `track`, `identify` and `group`. Public: its events join nobody. */
export const segment = ({ secret, traits = [] }: SegmentSourceOptions) =>
  defineWebhookSource({
    meta: { id: "segment", name: "Segment", description: "Calls that Segment's webhook destination forwards." },
    trust: "public",
    auth: { type: "signature", scheme: "hmac-sha1-hex", secret, header: "x-signature" },
    schema: VendorObject,
    contactProperties: traits,
    transform: (call) => {
      const said = wordsOf(call)
      const distinctId = textIn(call, "userId") ?? textIn(call, "anonymousId")
      if (said === undefined || distinctId === undefined) return null
      return {
        ...said,
        distinctId,
        timestamp: dateOf(textIn(call, "timestamp")),
        idempotencyKey: textIn(call, "messageId")
      }
    }
  })

/** What a call says happened; undefined when it is nothing here. */
const wordsOf = (call: VendorObject): Omit<PublicSourceEvent, "distinctId"> | undefined => {
  const name = textIn(call, "event")
  switch (call["type"]) {
    case "track": {
      const properties = objectIn(call, "properties")
      return name === undefined ? undefined : { name, eventProperties: properties, ...moneyOf(properties) }
    }
    case "identify":
      return { name: "segment.identify", contactProperties: objectIn(call, "traits") }
    case "group": {
      const groupId = textIn(call, "groupId")
      return groupId === undefined ? undefined : { name: "segment.group", eventProperties: { groupId } }
    }
    default:
      return undefined
  }
}

/** Segment's own words for money, of which the documentation also shows a text. */
const moneyOf = (properties: VendorObject | undefined) => {
  const value = numberIn(properties, "revenue") ?? Number(textIn(properties, "revenue") ?? Number.NaN)
  const currency = textIn(properties, "currency")
  return Number.isFinite(value)
    ? { value, currency: currency !== undefined && /^[A-Za-z]{3}$/.test(currency) ? currency : undefined }
    : {}
}
