/** A contact: one person, as the wire shows it. */
import * as Schema from "effect/Schema"
import { ContactId, ContactKeyFields } from "./Identity.ts"
import { Instant } from "./Instant.ts"
import { TaggedError } from "./TaggedError.ts"

export class Contact extends Schema.Class<Contact>("Contact")({
  id: ContactId.annotateKey({ description: "Its own id; that of a contact which was merged away finds this one." }),
  ...ContactKeyFields,
  externalId: Schema.NullOr(Schema.String).annotateKey({ description: "Your own id of the user: `userId`." }),
  email: Schema.NullOr(Schema.String).annotateKey({
    description: "The address that mail goes to: the one asserted last together with the strongest key."
  }),
  anonymousId: Schema.NullOr(Schema.String).annotateKey({
    description: "The canonical anonymous id: the one that was asserted first."
  }),
  properties: Schema.Record(Schema.String, Schema.Json),
  timezone: Schema.NullOr(Schema.String),
  source: Schema.NullOr(Schema.String).annotateKey({
    description: "What the contact was first seen through: `inapp`, `api`, a source's id."
  }),
  firstSeenAt: Instant,
  lastSeenAt: Instant,
  createdAt: Instant,
  updatedAt: Instant
}) {}

export class ContactNotFound extends TaggedError<ContactNotFound>()(
  "ContactNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No contact has this id or key." }
) {}
