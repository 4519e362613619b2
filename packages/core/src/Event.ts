/** Events: what a caller sends, and what is kept of it. */
import * as Schema from "effect/Schema"
import { AssertionFields, ContactId, ContactKeyFields, IngestionWarning } from "./Identity.ts"
import { Properties } from "./Properties.ts"
import { StorableText } from "./StorableText.ts"
import { Timestamp } from "./Timestamp.ts"

export const EventId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("EventId"))
export type EventId = typeof EventId.Type

/** Who vouched for what an event says: a secret key, a user's token, a certified device, or nobody. */
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
  ...AssertionFields,
  name: StorableText.check(
    Schema.isMinLength(1),
    Schema.isMaxLength(200),
    Schema.isPattern(/^[^\u0000-\u001f\u007f]*$/)
  ),
  /** Kept with the event. */
  eventProperties: Schema.optionalKey(Properties),
  /** Written to the contact: shallow merge, `null` removes. */
  contactProperties: Schema.optionalKey(Properties),
  /** Money in `currency`; negative for a refund. */
  value: Schema.optionalKey(Schema.Finite),
  /** ISO 4217, any case; dropped when there is no value. */
  currency: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z]{3}$/))),
  groups: Schema.optionalKey(Groups),
  lists: Schema.optionalKey(Schema.Record(Schema.String, Schema.Boolean)),
  idempotencyKey: Schema.optionalKey(IdempotencyKey),
  /** When it happened: up to 30 days back and 1 hour ahead, else the server's time is taken with a warning. */
  timestamp: Schema.optionalKey(Timestamp),
  userToken: Schema.optionalKey(Schema.String),
  /** Stamped by the server; read only to tell a browser's body from a server's. */
  source: Schema.optionalKey(Schema.Unknown)
})
export type EventDraft = typeof EventDraft.Type

/** The answer of `POST /v1/events`. A duplicate changes nothing at all and answers `stored: false`. */
export const EventAccepted = Schema.Struct({
  stored: Schema.Boolean,
  /** Journeys that this event ended. */
  exits: Schema.Array(Schema.Struct({ journeyId: Schema.String, stateId: Schema.String, exited: Schema.Boolean })),
  ...ContactKeyFields,
  warnings: Schema.optionalKey(Schema.Array(IngestionWarning)),
  listsError: Schema.optionalKey(Schema.String)
})
export type EventAccepted = typeof EventAccepted.Type

/** An event as it is kept. `contactId` is null for an observed visitor who is no contact yet. */
export class Event extends Schema.Class<Event>("Event")({
  id: EventId,
  name: Schema.String,
  contactId: Schema.NullOr(ContactId),
  contactKey: Schema.String,
  source: Schema.NullOr(Schema.String),
  vouchedBy: VouchedBy,
  properties: Schema.Record(Schema.String, Schema.Json),
  value: Schema.NullOr(Schema.Finite),
  currency: Schema.NullOr(Schema.String),
  groups: Schema.NullOr(Schema.Record(Schema.String, Schema.String)),
  idempotencyKey: Schema.NullOr(Schema.String),
  occurredAt: Schema.Date,
  receivedAt: Schema.Date
}) {}

/** 400: the name belongs to the engine, or to the operator's list of names that only servers send. */
export class ReservedEventName extends Schema.TaggedError<ReservedEventName>()(
  "ReservedEventName",
  { error: Schema.String },
  { httpApiStatus: 400 }
) {}

/** 409: the key was used before, for other content. */
export class IdempotencyKeyReused extends Schema.TaggedError<IdempotencyKeyReused>()(
  "IdempotencyKeyReused",
  { error: Schema.String },
  { httpApiStatus: 409 }
) {}
