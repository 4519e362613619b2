/** Instants as callers send them: ISO-8601 with a zone; answers are always UTC with milliseconds. */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** Decodes `2026-11-22T10:00:00.000Z` (seconds, fraction and offset as ISO-8601 allows) to a `Date`. */
export const Timestamp = Schema.String.annotate({ format: "date-time" })
  .check(
    Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/, {
      message: "Expected an ISO-8601 instant such as 2026-11-22T10:00:00.000Z"
    })
  )
  .pipe(Schema.decodeTo(Schema.Date, SchemaTransformation.dateFromString))
