/** Ingestion warnings: what was refused of requests that were accepted, kept so that an operator can see and mend it. */
import * as Schema from "effect/Schema"

export class Warning extends Schema.Class<Warning>("Warning")({
  id: Schema.String,
  code: Schema.String,
  /** What to do about it. */
  hint: Schema.String,
  /** The kind of key that was refused, if it was one, and its shortened value. */
  keyKind: Schema.NullOr(Schema.String),
  keyValue: Schema.NullOr(Schema.String),
  source: Schema.NullOr(Schema.String),
  occurredAt: Schema.Date
}) {}
