/** A contact: one person, as the wire shows it. */
import * as Schema from "effect/Schema"
import { ContactId, ContactKeyFields } from "./Identity.ts"

export class Contact extends Schema.Class<Contact>("Contact")({
  id: ContactId,
  ...ContactKeyFields,
  externalId: Schema.NullOr(Schema.String),
  /** The address that mail goes to: the one asserted last together with the strongest key. */
  email: Schema.NullOr(Schema.String),
  /** The canonical anonymous id: the smallest by (first asserted at, value). */
  anonymousId: Schema.NullOr(Schema.String),
  properties: Schema.Record(Schema.String, Schema.Json),
  timezone: Schema.NullOr(Schema.String),
  /** What the contact was first seen through: `inapp`, `api`, a source's id. */
  source: Schema.NullOr(Schema.String),
  firstSeenAt: Schema.Date,
  lastSeenAt: Schema.Date,
  createdAt: Schema.Date,
  updatedAt: Schema.Date
}) {}

/** 404: no contact has this id or key. */
export class ContactNotFound extends Schema.TaggedError<ContactNotFound>()(
  "ContactNotFound",
  { error: Schema.String },
  { httpApiStatus: 404 }
) {}
