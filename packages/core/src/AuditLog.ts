/** The audit log: every change that came through the admin plane, with its actor. */
import * as Schema from "effect/Schema"

export class AuditLog extends Schema.Class<AuditLog>("AuditLog")({
  id: Schema.String,
  /** The name of the key that did it; `boot` for the server itself. */
  actor: Schema.String,
  actorKeyId: Schema.NullOr(Schema.String),
  /** `<resource>.<what was done>`, for example `api-keys.revoke`. */
  action: Schema.String,
  resource: Schema.String,
  resourceId: Schema.NullOr(Schema.String),
  occurredAt: Schema.Date
}) {}
