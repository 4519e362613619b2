/** `/v1/events` (data plane) and `/v1/admin/events`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { MaxBodyBytes, Overloaded } from "./Envelope.ts"
import { EventBatch, EventBatchAccepted, maxBatchBytes, maxBatchEvents } from "./EventBatch.ts"
import { Event, EventAccepted, EventDraft, IdempotencyKey, IdempotencyKeyReused, ReservedEventName } from "./Event.ts"
import { ContactId, IdentificationRequired, IdentityDenied, IdentityMissing } from "./Identity.ts"
import { Instant } from "./Instant.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"
import { StorableText } from "./StorableText.ts"
import { UserTokenFailures, userTokenProse } from "./UserToken.ts"

/** What a browser may send beside its body. */
export const ActingHeaders = {
  "x-hogsend-user-token": Schema.optionalKey(Schema.String).annotateKey({ description: userTokenProse }),
  "x-hogsend-device": Schema.optionalKey(Schema.String).annotateKey({
    description:
      "The device secret that a certified `anonymousId` was derived from: 32 random bytes as unpadded base64url, 43 characters. Shows that the browser may act as that id. The id is the first 16 bytes of the SHA-256 of the 32 bytes, as a lower-case uuid of version 8."
  })
} as const

export class EventsApi extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.post("ingest", "/events", {
      headers: {
        ...ActingHeaders,
        "idempotency-key": Schema.optionalKey(IdempotencyKey).annotateKey({
          description:
            "1 to 255 characters that name this event, kept for 35 days unless the operator says otherwise. A retry with the same key and the same content is stored once. Servers share one space of keys; browsers have one for each user or device."
        })
      },
      query: { userToken: Schema.optionalKey(Schema.String).annotateKey({ description: userTokenProse }) },
      payload: EventDraft,
      success: EventAccepted.pipe(HttpApiSchema.status(202)),
      error: [
        ...UserTokenFailures,
        IdentityMissing,
        IdentityDenied,
        IdentificationRequired,
        ReservedEventName,
        IdempotencyKeyReused,
        Overloaded
      ]
    })
      .annotate(Access, Access.browser)
      .annotateMerge(
        OpenApi.annotations({
          summary: "Take an event in",
          description:
            "Stores the event under the key that it names, makes the contact when there is none, and merges contacts that turn out to be one person. A duplicate, by its idempotency key and content, changes nothing at all and answers `stored: false`; the same key with other content is a 409. What is refused of an accepted event is in `warnings`. From a browser, an unknown visitor's event makes a key and no contact, unless it says something about the person."
        })
      )
  )
  .add(
    HttpApiEndpoint.post("ingestBatch", "/events/batch", {
      headers: {
        ...ActingHeaders,
        "idempotency-key": Schema.optionalKey(IdempotencyKey).annotateKey({
          description:
            "1 to 255 characters that name this batch: an event without an `idempotencyKey` of its own is named by it and by its place, `<key>:<place>` from 0, so a retry of the same body is stored once. What was rejected may be mended in its place; in another order, events are other content under the same keys."
        })
      },
      query: { userToken: Schema.optionalKey(Schema.String).annotateKey({ description: userTokenProse }) },
      payload: EventBatch,
      success: EventBatchAccepted.pipe(HttpApiSchema.status(202)),
      error: Overloaded
    })
      .annotate(Access, Access.browser)
      .annotate(MaxBodyBytes, maxBatchBytes)
      .annotateMerge(
        OpenApi.annotations({
          summary: "Take many events in",
          description: `Up to ${maxBatchEvents} events, stored in their order, with one result each: an event that is refused does not touch its neighbours. Every event is judged as \`POST /v1/events\` would judge it alone, with its own idempotency key. The status is 202 also when every event was rejected: read \`results\`. Of a batch with \`RateLimited\` events send only those again, since duplicates count too. An answer means that everything it calls stored is stored; when nothing could be for want of the database, the whole request fails with a 503 and may be sent again. The body may have ${maxBatchBytes / 1024 / 1024} MiB.`
        })
      )
  )
  .middleware(Authorization)
  .prefix("/v1")
  .annotateMerge(OpenApi.annotations({ description: "Events in: what happened, and to whom." })) {}

export class AdminEventsApi extends HttpApiGroup.make("adminEvents")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        name: Schema.optionalKey(StorableText).annotateKey({ description: "Only events of this name, exactly." }),
        contactId: Schema.optionalKey(ContactId).annotateKey({
          description:
            "Only events of this contact, under any key that it ever had. The id of one that was merged away will do."
        })
      },
      success: Schema.Struct({ events: Schema.Array(Event), ...PageFields })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List events, newest first",
          description: "Of one contact, of one name, both, or all."
        })
      ),
    HttpApiEndpoint.get("names", "/names", {
      success: Schema.Struct({
        names: Schema.Array(Schema.Struct({ name: Schema.String, lastSeenAt: Instant }))
      })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List the names of events",
          description: "Every name that is stored, in alphabetical order, with when it last arrived; at most 10,000."
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/events")
  .annotateMerge(OpenApi.annotations({ description: "The stored events, for operators." })) {}
