/** Ingestion warnings: what was refused of requests that were accepted, kept so that an operator can see and mend it. */
import * as Schema from "effect/Schema"
import { IngestionWarning } from "./Identity.ts"
import { Instant } from "./Instant.ts"

export class Warning extends Schema.Class<Warning>("Warning")({
  id: Schema.String,
  code: IngestionWarning.fields.code,
  hint: IngestionWarning.fields.hint,
  keyKind: Schema.NullOr(Schema.String).annotateKey({
    description: "The kind of key that was refused, if it was one."
  }),
  keyValue: Schema.NullOr(Schema.String).annotateKey({ description: "Its value, shortened." }),
  source: Schema.NullOr(Schema.String).annotateKey({ description: "What the request came through: `inapp` or `api`." }),
  occurredAt: Instant
}) {}
