/** `/v1/events` (data plane) and `/v1/admin/events`. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { Event, EventAccepted, EventDraft, IdempotencyKey, IdempotencyKeyReused, ReservedEventName } from "./Event.ts"
import { ContactId, IdentificationRequired, IdentityDenied, IdentityMissing } from "./Identity.ts"
import { PageFields, PageQuery } from "./Page.ts"
import { StorableText } from "./StorableText.ts"
import { UserTokenFailures } from "./UserToken.ts"

/** What a browser may send beside its body. */
export const ActingHeaders = {
  "x-hogsend-user-token": Schema.optionalKey(Schema.String),
  "x-hogsend-device": Schema.optionalKey(Schema.String)
} as const

export class EventsApi extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.post("ingest", "/events", {
      headers: { ...ActingHeaders, "idempotency-key": Schema.optionalKey(IdempotencyKey) },
      query: { userToken: Schema.optionalKey(Schema.String) },
      payload: EventDraft,
      success: EventAccepted.pipe(HttpApiSchema.status(202)),
      error: [
        ...UserTokenFailures,
        IdentityMissing,
        IdentityDenied,
        IdentificationRequired,
        ReservedEventName,
        IdempotencyKeyReused
      ]
    }).annotate(Access, Access.browser)
  )
  .middleware(Authorization)
  .prefix("/v1") {}

export class AdminEventsApi extends HttpApiGroup.make("adminEvents")
  .add(
    /** Newest first; of one contact (any key that it ever had), of one name, or both. */
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        name: Schema.optionalKey(StorableText),
        /** A contact's id, also of one that was merged away. */
        contactId: Schema.optionalKey(ContactId)
      },
      success: Schema.Struct({ events: Schema.Array(Event), ...PageFields })
    }).annotate(Access, Access.secret("read")),
    /** Every name that is stored, in alphabetical order, with when it last arrived. */
    HttpApiEndpoint.get("names", "/names", {
      success: Schema.Struct({
        names: Schema.Array(Schema.Struct({ name: Schema.String, lastSeenAt: Schema.Date }))
      })
    }).annotate(Access, Access.secret("read"))
  )
  .middleware(Authorization)
  .prefix("/v1/admin/events") {}
