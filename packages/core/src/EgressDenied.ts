/** The refusal of the egress guard, as the wire shows it where a caller names a URL. */
import * as Schema from "effect/Schema"

export class EgressDenied extends Schema.TaggedError<EgressDenied>()(
  "EgressDenied",
  { error: Schema.String },
  { httpApiStatus: 400, description: "The URL is none that this server may send to." }
) {}
