/**
 * The kind `segment`: events as `track` calls of Segment's HTTP API, and contacts as `identify` calls.
 *
 * Only an external id is a user id there; another contact key is an anonymous id. The message's id makes one call of two that
 * arrive. As with PostHog, no email address and no identifier travels beside that.
 */
import { defineDestination, type DestinationContext, type OutboundEnvelope, outboundEventNames } from "@hogsend/core"
import * as Base64 from "effect/encoding/Base64"
import { eventNamesIn, hostIn, neededTextIn } from "./configSettings.ts"
import { distinctIdOf, isExternal, personChangeOf } from "./personOf.ts"
import { keysIn, withoutIdentifiers } from "./withoutIdentifiers.ts"

/** Segment has no call for them that is right in every order. */
const untold: ReadonlyArray<string> = ["contact.merged", "contact.deleted", "endpoint.disabled"]

const settingsIn = (config: DestinationContext["endpoint"]["config"]) => ({
  writeKey: neededTextIn(config, "writeKey", "the write key of a source in Segment"),
  host: hostIn(config, "https://api.segment.io"),
  eventNames: eventNamesIn(config)
})

export const segment = defineDestination({
  meta: {
    id: "segment",
    name: "Segment",
    description: "Tracks events, and identifies contacts with their properties.",
    failureHint: "Check config.writeKey and config.host."
  },
  events: outboundEventNames.filter((name) => !untold.includes(name)),
  configNames: ["writeKey", "host", "eventNames"],
  check: ({ config }) => {
    settingsIn(config)
  },
  transform: (envelope, { endpoint }) => {
    const { eventNames, host, writeKey } = settingsIn(endpoint.config)
    const { data, id, timestamp } = envelope
    const distinctId = distinctIdOf(data)
    const call = envelope.type.startsWith("contact.") ? identify(envelope) : track(envelope, eventNames)
    if (distinctId === undefined || call === null) return null
    const whose = isExternal(data) ? { userId: distinctId } : { anonymousId: distinctId }
    return {
      url: `${host}/v1/${call.method}`,
      headers: {
        "content-type": "application/json",
        authorization: `Basic ${Base64.encode(`${writeKey}:`)}`
      },
      body: JSON.stringify({ messageId: id, timestamp, ...whose, ...call.says })
    }
  }
})

const track = ({ data, type }: OutboundEnvelope, eventNames: Readonly<Record<string, string>>) => ({
  method: "track",
  says: { event: eventNames[type] ?? type, properties: withoutIdentifiers(data, keysIn(data)) }
})

/** What is not there any more is null: a call cannot leave a trait out and mean that. */
const identify = (envelope: OutboundEnvelope) => {
  const change = personChangeOf(envelope, "hogsend_unsubscribed")
  if (change === null) return null
  const removed = Object.fromEntries(change.unset.map((name) => [name, null]))
  return { method: "identify", says: { traits: { ...change.set, ...removed } } }
}
