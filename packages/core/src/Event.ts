/** Events: what a caller sends, and what is kept of it. */
import * as Schema from "effect/Schema"
import { ContactId, ContactKeyFields, IngestionWarning, WritingFields } from "./Identity.ts"
import { Instant } from "./Instant.ts"
import { Properties } from "./Properties.ts"
import { StorableText } from "./StorableText.ts"
import { Timestamp } from "./Timestamp.ts"
import { userTokenProse } from "./UserToken.ts"
import { TaggedError } from "./TaggedError.ts"

export const EventId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("EventId"))
export type EventId = typeof EventId.Type

/** Who vouched for what an event says: a secret key or a vendor, a user's token, a certified device, or nobody. */
export const VouchedBy = Schema.Literals(["server", "user", "device", "public"])
export type VouchedBy = typeof VouchedBy.Type

/** 1 to 255 characters; a retry with the same key and the same content is stored once. */
export const IdempotencyKey = StorableText.check(Schema.isMinLength(1), Schema.isMaxLength(255))

/** What an event belongs to, by type: `{ "company": "acme" }`. */
export type Groups = { readonly [type: string]: string }

const isGroups = (bag: Properties): bag is Groups =>
  Object.values(bag).every((key) => typeof key === "string" && key.length >= 1 && key.length <= 200)

/** A property bag, so its bounds hold, of texts. */
const Groups = Properties.pipe(
  Schema.refine(isGroups, {
    expected: "groups by type, as text of 1 to 200 characters each",
    toJsonSchema: () => [
      { type: "object", additionalProperties: { type: "string", minLength: 1, maxLength: 200 } },
      true
    ]
  })
)

/** The body of `POST /v1/events`. */
export const EventDraft = Schema.Struct({
  ...WritingFields,
  name: StorableText.check(
    Schema.isMinLength(1),
    Schema.isMaxLength(200),
    Schema.isPattern(/^[^\u0000-\u001f\u007f]*$/)
  ).annotateKey({
    description:
      "What happened, without control characters. Names that begin with email, journey, bucket, contact, deal, funnel, link or endpoint and then `.` or `:` are for servers only.",
    examples: ["order.placed"]
  }),
  eventProperties: Schema.optionalKey(Properties).annotateKey({
    description: "Kept with the event: at most 32 KiB of JSON and 16 levels."
  }),
  contactProperties: Schema.optionalKey(Properties).annotateKey({
    description: "Written to the contact: a shallow merge, `null` removes. At most 32 KiB of JSON and 16 levels."
  }),
  value: Schema.optionalKey(Schema.Finite).annotateKey({
    description: "Money in `currency`; negative for a refund.",
    examples: [49.9]
  }),
  currency: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z]{3}$/))).annotateKey({
    description: "ISO 4217: three letters in any case, kept in capitals. Dropped when there is no `value`.",
    examples: ["EUR"]
  }),
  groups: Schema.optionalKey(Groups).annotateKey({
    description: "What the event belongs to, by type; each a text of 1 to 200 characters.",
    examples: [{ company: "acme" }]
  }),
  properties: Schema.optionalKey(Schema.Unknown).annotateKey({
    description:
      "No field of an event, and easily meant: left out, with a warning. Send `eventProperties` or `contactProperties`."
  }),
  lists: Schema.optionalKey(Schema.Record(Schema.String, Schema.Boolean)).annotateKey({
    description: "Not served yet: the event is stored without them and the answer has a `listsError`."
  }),
  idempotencyKey: Schema.optionalKey(IdempotencyKey).annotateKey({
    description:
      "As the header `Idempotency-Key`, which wins when both are sent. In a batch, whose header names all of it, the event's own wins."
  }),
  timestamp: Schema.optionalKey(Timestamp).annotateKey({
    description:
      "When it happened, ISO-8601 with a zone, such as `2026-11-22T10:00:00.000Z`: up to 30 days back and 1 hour ahead, else the server's time is taken with a warning. Default: now."
  }),
  userToken: Schema.optionalKey(Schema.String).annotateKey({ description: userTokenProse }),
  source: Schema.optionalKey(Schema.Unknown).annotateKey({
    description:
      "Read only to tell a browser's body (`inapp`) from a server's; the stored source is the server's to say."
  })
})
export type EventDraft = typeof EventDraft.Type

/** The answer of `POST /v1/events`. */
export const EventAccepted = Schema.Struct({
  stored: Schema.Boolean.annotateKey({
    description:
      "False for a duplicate (the same idempotency key with the same content), and for a person who was erased (with the warning `erased_person`). Nothing was changed then."
  }),
  exits: Schema.Array(
    Schema.Struct({ journeyId: Schema.String, stateId: Schema.String, exited: Schema.Boolean })
  ).annotateKey({ description: "Journeys that this event ended. Empty as long as the server has no journeys." }),
  ...ContactKeyFields,
  warnings: Schema.optionalKey(Schema.Array(IngestionWarning)).annotateKey({
    description: "What was left out of the request, though it was accepted. Absent when there is nothing to say."
  }),
  listsError: Schema.optionalKey(Schema.String).annotateKey({ description: "Why `lists` was not followed." })
})
export type EventAccepted = typeof EventAccepted.Type

/** An event as it is kept. */
export class Event extends Schema.Class<Event>("Event")({
  id: EventId,
  name: Schema.String,
  contactId: Schema.NullOr(ContactId).annotateKey({
    description: "Whose it is now; null for an observed visitor who is no contact yet."
  }),
  contactKey: ContactKeyFields.contactKey,
  source: Schema.NullOr(Schema.String).annotateKey({
    description: "What it came through: `inapp` (a browser), `api` (a server), or a source's id."
  }),
  vouchedBy: VouchedBy.annotateKey({
    description:
      "Who vouched for what it says: `server` a secret key or a vendor's webhook, `user` a user token, `device` a certified device, `public` nobody."
  }),
  properties: Schema.Record(Schema.String, Schema.Json),
  value: Schema.NullOr(Schema.Finite),
  currency: Schema.NullOr(Schema.String),
  groups: Schema.NullOr(Schema.Record(Schema.String, Schema.String)),
  idempotencyKey: Schema.NullOr(Schema.String),
  occurredAt: Instant.annotateKey({ description: "When it happened, by its `timestamp`." }),
  receivedAt: Instant.annotateKey({ description: "When the server took it in." })
}) {}

export class ReservedEventName extends TaggedError<ReservedEventName>()(
  "ReservedEventName",
  { error: Schema.String },
  {
    httpApiStatus: 400,
    description: "The name belongs to the engine, or to the operator's list of names that only servers send."
  }
) {}

export class IdempotencyKeyReused extends TaggedError<IdempotencyKeyReused>()(
  "IdempotencyKeyReused",
  { error: Schema.String },
  { httpApiStatus: 409, description: "The key was used before, for other content." }
) {}
