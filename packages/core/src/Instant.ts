/** Instants as answers show them: ISO-8601 UTC with milliseconds. What callers send is a `Timestamp`. */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** `Schema.Date` whose JSON names its format in the OpenAPI document. */
export const Instant = Schema.Date.annotate({
  toCodecJson: () =>
    Schema.link<Date>()(Schema.String.annotate({ format: "date-time" }), SchemaTransformation.dateFromString)
})
