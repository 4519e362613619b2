/**
 * What leaves the house: the catalog of outbound events, the envelope that each travels in, and what its `data` holds.
 *
 * The `data` of anything about a person carries `userId`, which is the contact key at the time of the event; the bytes of an
 * envelope never change between attempts and endpoints. Payloads stand here from the day that something writes them.
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { closestName } from "./closestName.ts"
import { Contact } from "./Contact.ts"
import { ContactId, ContactKeyKind } from "./Identity.ts"
import { Instant } from "./Instant.ts"

/** The catalog: what an endpoint can subscribe to. */
export const outboundEventNames = [
  "contact.created",
  "contact.updated",
  "contact.deleted",
  "contact.merged",
  "contact.unsubscribed",
  "contact.subscribed",
  "email.sent",
  "email.delivered",
  "email.opened",
  "email.clicked",
  "email.bounced",
  "email.complained",
  "journey.completed",
  "bucket.entered",
  "bucket.left",
  "link.clicked",
  "endpoint.disabled"
] as const

export const OutboundEventName = Schema.Literals(outboundEventNames)
export type OutboundEventName = typeof OutboundEventName.Type

/** An event that is sent to one endpoint when somebody asks for it. Nobody subscribes to it. */
export const testEventName = "webhook.test"

/** What the analytics provider is told (`AnalyticsMessage`). Only the server's own endpoint for it subscribes to them. */
export const analyticsMessageNames = ["person.set", "person.merge", "person.delete", "group.set"] as const

const isOutboundEventName = Schema.is(OutboundEventName)

/** A name of the catalog as callers send it; a refusal names the one that was probably meant. */
export const SubscribedEventName = Schema.String.check(
  Schema.makeFilter(
    (name: string) =>
      isOutboundEventName(name) ||
      `There is no event of this name. Did you mean ${closestName(name, outboundEventNames)}?`,
    { toJsonSchema: () => ({ enum: [...outboundEventNames] }) }
  )
).pipe(Schema.decodeTo(OutboundEventName, SchemaTransformation.passthroughSupertype<OutboundEventName, string>()))

/** `msg_` and a uuid. */
export const MessageId = Schema.String.check(
  Schema.isPattern(/^msg_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, {
    message: "Expected the id of an envelope: msg_ and a uuid"
  })
)

/** What is sent: one JSON text for all endpoints, attempts and replays. */
export const OutboundEnvelope = Schema.Struct({
  id: MessageId.annotateKey({
    description: "One for each event, the same for every endpoint and attempt: what a receiver knows a repetition by."
  }),
  type: Schema.Literals([...outboundEventNames, testEventName, ...analyticsMessageNames]),
  timestamp: Schema.String.annotate({ format: "date-time" }).annotateKey({
    description: "When it happened: ISO-8601 in UTC with milliseconds."
  }),
  data: Schema.Record(Schema.String, Schema.Json)
})
export type OutboundEnvelope = typeof OutboundEnvelope.Type

/** Whom an event is about, as they were known when it happened. */
const person = {
  userId: Schema.String.annotateKey({ description: "The contact key." }),
  contactKeyKind: ContactKeyKind,
  contactId: ContactId
} as const

/** The contact as everybody may read it. */
export const ContactCreatedData = Schema.Struct({ ...Contact.fields, ...person })

export const ContactUpdatedData = Schema.Struct({
  ...Contact.fields,
  ...person,
  changed: Schema.Array(Schema.Literals(["keys", "properties", "timezone"])).annotateKey({
    description: "What is another than before."
  }),
  changedProperties: Schema.Array(Schema.String).annotateKey({
    description: "The names of the properties that have another value now, or none."
  })
})

/** What a receiver needs to delete the person on its side. */
export const ContactDeletedData = Schema.Struct({
  ...person,
  id: ContactId,
  externalId: Contact.fields.externalId,
  email: Contact.fields.email
})

/** `userId` is the key of the contact that stays. */
export const ContactMergedData = Schema.Struct({
  ...person,
  previousKeys: Schema.Array(
    Schema.Struct({ userId: Schema.String, contactKeyKind: ContactKeyKind, contactId: ContactId })
  ).annotateKey({
    description:
      "What the person may be known by: the contact keys of the contacts that went into this one, and its own when that is another now."
  })
})

export const EndpointDisabledData = Schema.Struct({
  endpointId: Schema.String,
  kind: Schema.String,
  url: Schema.NullOr(Schema.String),
  reason: Schema.String,
  disabledAt: Instant
})

/** Of `webhook.test`. Its person is nobody. */
export const WebhookTestData = Schema.Struct({
  message: Schema.String,
  endpointId: Schema.String,
  sentAt: Instant,
  userId: Schema.String,
  to: Schema.String
})
