/**
 * What operators see of ingestion warnings (what was refused of requests that were accepted): each kind once, with how
 * often it came, what to do about it, and its last examples.
 */
import * as Schema from "effect/Schema"
import { IngestionWarning } from "./Identity.ts"
import { Instant } from "./Instant.ts"

/** One warning that was given. */
export const WarningExample = Schema.Struct({
  key: Schema.NullOr(Schema.Struct({ kind: Schema.String, value: Schema.String })).annotateKey({
    description: "The key that was refused, if it was one; its value is shortened."
  }),
  hint: IngestionWarning.fields.hint.annotateKey({ description: "What the caller was told." }),
  source: Schema.NullOr(Schema.String).annotateKey({
    description: "What the request came through: `inapp`, `api`, or a source's id."
  }),
  occurredAt: Instant
})
export type WarningExample = typeof WarningExample.Type

/** A kind of warning, with what is known of it for as long as it is kept. */
export class Warning extends Schema.Class<Warning>("Warning")({
  code: IngestionWarning.fields.code,
  hint: Schema.String.annotateKey({ description: "What to do about it, for a person." }),
  total: Schema.Int.annotateKey({ description: "How often it was given." }),
  sources: Schema.Record(Schema.String, Schema.Int).annotateKey({
    description:
      "The same by what the requests came through, `inapp`, `api` or a source's id; one without a warning is absent."
  }),
  firstAt: Instant,
  lastAt: Instant,
  examples: Schema.Array(WarningExample).annotateKey({ description: "The last ones, newest first; at most 5." })
}) {}
