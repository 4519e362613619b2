/**
 * The kind `posthog`: events as captures of PostHog, and, where the endpoint asks for it, contacts as persons.
 *
 * The uuid and the time are the message's, so that one that arrives twice is one event. Each carries our installation's id,
 * by which it is known when PostHog sends it back. No email address and no identifier but the distinct id travels.
 */
import {
  defineDestination,
  type DestinationContext,
  type DestinationRequest,
  type OutboundEnvelope,
  outboundEventNames
} from "@hogsend/core"
import { eventNamesIn, flagIn, hostIn, neededTextIn, textIn } from "./configSettings.ts"
import { distinctIdOf, isExternal, personChangeOf } from "./personOf.ts"
import { keysIn, withoutIdentifiers } from "./withoutIdentifiers.ts"

/** Nothing of these can be told: PostHog is told of merges and deletions as an analytics provider. */
const untold: ReadonlyArray<string> = ["contact.merged", "contact.deleted", "endpoint.disabled"]

const settingsIn = (config: DestinationContext["endpoint"]["config"]) => {
  const apiKey = neededTextIn(config, "apiKey", "PostHog's project API key (phc_…)")
  if (apiKey.startsWith("phx_")) throw new Error(personalKey)
  return {
    apiKey,
    host: hostIn(config, "https://us.i.posthog.com"),
    eventNames: eventNamesIn(config),
    syncPersons: flagIn(config, "syncPersons"),
    unsubscribed: textIn(config, "unsubscribedPropertyKey") ?? "hogsend_unsubscribed"
  }
}

const personalKey =
  "Set config.apiKey to PostHog's project API key (phc_…): a personal API key (phx_…) is secret and takes no events."

export const posthog = defineDestination({
  meta: {
    id: "posthog",
    name: "PostHog",
    description: "Captures events, and keeps persons like the contacts.",
    failureHint:
      "Check config.apiKey and config.host; of the one that the configuration makes, POSTHOG_API_KEY and POSTHOG_HOST."
  },
  events: outboundEventNames.filter((name) => !untold.includes(name)),
  configNames: ["apiKey", "host", "eventNames", "syncPersons", "unsubscribedPropertyKey"],
  check: ({ config }) => {
    settingsIn(config)
  },
  transform: (envelope, { endpoint, installationId }) => {
    const settings = settingsIn(endpoint.config)
    const distinctId = distinctIdOf(envelope.data)
    const said = envelope.type.startsWith("contact.") ? personOf(envelope, settings) : eventOf(envelope, settings)
    if (distinctId === undefined || said === null) return null
    const event = {
      uuid: envelope.id.slice("msg_".length),
      event: said.event,
      distinct_id: distinctId,
      timestamp: envelope.timestamp,
      // Without the second PostHog takes our address for the person's, and makes a place and a time zone of it.
      properties: { ...said.properties, $lib: "hogsend", $geoip_disable: true, hogsend: installationId }
    }
    return {
      url: `${settings.host}/batch/`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: settings.apiKey, batch: [event] }),
      isSuccess
    }
  }
})

type Settings = ReturnType<typeof settingsIn>

const eventOf = ({ data, type }: OutboundEnvelope, { eventNames }: Settings) => ({
  event: eventNames[type] ?? type,
  properties: {
    ...withoutIdentifiers(data, keysIn(data)),
    ...(isExternal(data) ? {} : { $process_person_profile: false })
  }
})

const personOf = (envelope: OutboundEnvelope, { syncPersons, unsubscribed }: Settings) => {
  const change = syncPersons ? personChangeOf(envelope, unsubscribed) : null
  if (change === null) return null
  const { set, unset } = change
  const $set = Object.keys(set).length > 0 ? { $set: set } : {}
  return { event: "$set", properties: { ...$set, ...(unset.length > 0 ? { $unset: unset } : {}) } }
}

/** PostHog says that it took them; a page that something in between answered does not. Its documentation has the number. */
const isSuccess: NonNullable<DestinationRequest["isSuccess"]> = ({ body, status }) =>
  status >= 200 && status < 300 && [1, "Ok"].includes(JSON.parse(body).status)
