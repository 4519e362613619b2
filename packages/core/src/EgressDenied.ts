/** A URL that nothing may be sent to. */
import * as Schema from "effect/Schema"
import { TaggedError } from "./TaggedError.ts"

export class EgressDenied extends TaggedError<EgressDenied>()(
  "EgressDenied",
  { error: Schema.String },
  {
    httpApiStatus: 400,
    description:
      "Nothing may be sent to this URL: it is no https URL, holds credentials, or leads to an address that is not public."
  }
) {}
