/** What was delivered to an endpoint, and delivering it again: `/v1/admin/webhooks/{id}/…`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import {
  Delivery,
  DeliveryAttempt,
  DeliveryId,
  DeliveryNotFound,
  DeliveryStatus,
  EndpointDisabled
} from "./Delivery.ts"
import { EndpointId, EndpointInvalid, EndpointNotFound } from "./Endpoint.ts"
import { ContactId } from "./Identity.ts"
import { MessageId, OutboundEnvelope, SubscribedEventName, testEventName } from "./Outbound.ts"
import { knownParametersOnly, NoQuery, PageFields, PageQuery } from "./Page.ts"
import { Timestamp } from "./Timestamp.ts"

const contactId = Schema.optionalKey(ContactId).annotateKey({ description: "Only events about this contact." })

/** By when the event happened. */
const happened = {
  since: Schema.optionalKey(Timestamp).annotateKey({ description: "Only events that happened then or later." }),
  until: Schema.optionalKey(Timestamp).annotateKey({ description: "Only events that happened before." })
} as const

/** What lists of deliveries can be narrowed down to. */
export const DeliveryQuery = {
  eventType: Schema.optionalKey(OutboundEnvelope.fields.type).annotateKey({ description: "Only events of this name." }),
  contactId,
  ...happened
} as const

/** Which messages to send once more. An empty one would mean everything that is kept, and is refused. */
export const Replay = Schema.Struct({
  messageIds: Schema.optionalKey(Schema.Array(MessageId).check(Schema.isMaxLength(1000))).annotateKey({
    description: "The `id`s of envelopes, at most 1,000."
  }),
  eventTypes: Schema.optionalKey(Schema.Array(SubscribedEventName).check(Schema.isMaxLength(100))).annotateKey({
    description: "Only events of these names, of those that the endpoint subscribes to."
  }),
  contactId,
  ...happened,
  missingOnly: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "True: only what the endpoint never got.",
    default: false
  }),
  dryRun: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "True: only count, and send nothing. For a disabled endpoint, too.",
    default: false
  })
}).check(
  Schema.makeFilter(
    ({ contactId, eventTypes, messageIds, missingOnly, since, until }) =>
      missingOnly === true ||
      [contactId, eventTypes, messageIds, since, until].some((given) => given !== undefined) ||
      "Say what to send again: messageIds, eventTypes, contactId, since, until or missingOnly."
  )
)

const one = { id: EndpointId, deliveryId: DeliveryId }

export class DeliveriesApi extends HttpApiGroup.make("deliveries")
  .add(
    HttpApiEndpoint.get("list", "/:id/deliveries", {
      params: { id: EndpointId },
      query: {
        ...PageQuery,
        status: Schema.optionalKey(DeliveryStatus).annotateKey({ description: "Only deliveries in this state." }),
        ...DeliveryQuery
      },
      success: Schema.Struct({ deliveries: Schema.Array(Delivery), ...PageFields }),
      error: EndpointNotFound
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List the deliveries to an endpoint",
          description: "Those whose events happened last come first. One that ended is kept for 30 days."
        })
      ),
    HttpApiEndpoint.get("get", "/:id/deliveries/:deliveryId", {
      params: one,
      success: Schema.Struct({ delivery: Delivery, attempts: Schema.Array(DeliveryAttempt) }),
      error: DeliveryNotFound
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Get a delivery with its attempts",
          description: "Every attempt, the first one first: when, how long, and what the receiver answered."
        })
      ),
    HttpApiEndpoint.post("retry", "/:id/deliveries/:deliveryId/retry", {
      params: one,
      /** Says nothing, and may be left out. */
      payload: [Schema.Null, Schema.Struct({})],
      success: Schema.Struct({ delivery: Delivery }),
      error: [DeliveryNotFound, EndpointDisabled]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Deliver again",
          description:
            "Whatever became of it, with the schedule from its start and under the same `webhook-id`. One that waits for its next attempt goes now, and on with its schedule."
        })
      ),
    HttpApiEndpoint.post("replay", "/:id/replay", {
      params: { id: EndpointId },
      query: NoQuery,
      payload: Replay,
      success: Schema.Struct({
        count: Schema.Int.annotateKey({ description: "How many deliveries it is; of a dry run, would be." }),
        dryRun: Schema.Boolean
      }),
      error: [EndpointNotFound, EndpointDisabled]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Send many events once more",
          description:
            "Events of the last 30 days that the endpoint subscribes to now, whether it got them or not: by their ids, by name, contact and time, or only those that it never got. What is on its way to it already is left alone. At least one of them must be said."
        })
      ),
    HttpApiEndpoint.post("test", "/:id/test", {
      params: { id: EndpointId },
      /** Says nothing, and may be left out. */
      payload: [Schema.Null, Schema.Struct({})],
      success: Schema.Struct({
        enqueued: Schema.Literal(true),
        eventType: Schema.Literal(testEventName)
      }).pipe(HttpApiSchema.status(202)),
      error: [EndpointNotFound, EndpointInvalid, EndpointDisabled]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Send a test event",
          description: `A \`${testEventName}\` to this endpoint alone, whatever it subscribes to. What became of it is in the list of its deliveries.`
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  // A misspelt dryRun would send.
  .annotate(HttpApi.PayloadParseOptions, { errors: "all", onExcessProperty: "error" })
  .prefix("/v1/admin/webhooks")
  .annotateMerge(
    OpenApi.annotations({ description: "What was sent to an endpoint, how often it was tried, and sending it again." })
  ) {}
