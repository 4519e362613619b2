/**
 * PostHog's webhook destination, with the body `{ "event": "{event}", "person": "{person}" }` of its own template.
 *
 * Public: browsers write these events under a project key that everybody can read, and whether one is identified is their
 * word too. So an event hangs on whoever holds its `distinct_id`, and one that nobody holds waits until somebody gets it as a
 * key. The uuid makes one event of PostHog's retries; its time is PostHog's.
 */
import { defineWebhookSource, type Groups, propertiesFault, type SourceSecret } from "@hogsend/core"
import { Schema } from "effect"
import { dateOf, objectIn, textIn, VendorObject, without } from "./VendorObject.ts"

/** What `posthog` is told. */
export interface PostHogSourceOptions {
  /** What PostHog sends in the header `x-posthog-webhook-secret`. */
  readonly secret: SourceSecret
  /** Person properties that are copied to the contact. Anybody who can read the project key can write them. None. */
  readonly personProperties?: ReadonlyArray<string>
}

const Body = Schema.Struct({
  event: Schema.Struct({
    event: Schema.String,
    distinct_id: Schema.String,
    uuid: Schema.optionalKey(Schema.Unknown),
    timestamp: Schema.optionalKey(Schema.Unknown),
    properties: Schema.optionalKey(Schema.NullOr(VendorObject))
  }),
  person: Schema.optionalKey(Schema.NullOr(VendorObject))
})

/** What an event says of its person, of its groups and of the project; not of itself. */
const notOfTheEvent = ["$set", "$set_once", "$unset", "$groups", "$group_set", "token"]

/** The source `posthog`: what PostHog captured. Public: its events join nobody. */
export const posthog = ({ personProperties = [], secret }: PostHogSourceOptions) =>
  defineWebhookSource({
    meta: { id: "posthog", name: "PostHog", description: "Events that PostHog's webhook destination forwards." },
    trust: "public",
    auth: { type: "secret", header: "x-posthog-webhook-secret", secret },
    schema: Body,
    contactProperties: personProperties,
    transform: ({ event: { distinct_id, event, properties, timestamp, uuid }, person }) => ({
      name: event,
      distinctId: distinct_id,
      eventProperties: without(properties ?? {}, ...notOfTheEvent),
      contactProperties: objectIn(person ?? {}, "properties"),
      groups: groupsOf(objectIn(properties ?? {}, "$groups")),
      timestamp: dateOf(typeof timestamp === "string" ? timestamp : undefined),
      idempotencyKey: typeof uuid === "string" && uuid !== "" ? uuid : undefined
    })
  })

/** Those that an event can have: for the sake of an odd one it is not refused. */
const groupsOf = (groups: VendorObject = {}): Groups | undefined => {
  const named = Object.keys(groups).flatMap((type) => {
    const key = textIn(groups, type)
    return type === "" || key === undefined || key.length > 200 ? [] : [[type, key] as const]
  })
  const kept = Object.fromEntries(named)
  return named.length === 0 || propertiesFault(kept) !== undefined ? undefined : kept
}
