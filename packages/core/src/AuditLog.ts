/** The audit log: every change that came through the admin plane, with its actor. */
import * as Schema from "effect/Schema"
import { Instant } from "./Instant.ts"

export class AuditLog extends Schema.Class<AuditLog>("AuditLog")({
  id: Schema.String,
  actor: Schema.String.annotateKey({
    description: "The name of the key that did it; `boot` for the server itself."
  }),
  actorKeyId: Schema.NullOr(Schema.String).annotateKey({
    description: "The id of that key; null for the server itself and for the admin key of its settings."
  }),
  action: Schema.String.annotateKey({
    description: "`<resource>.<what was done>`.",
    examples: ["api-keys.revoke"]
  }),
  resource: Schema.String,
  resourceId: Schema.NullOr(Schema.String),
  occurredAt: Instant
}) {}
