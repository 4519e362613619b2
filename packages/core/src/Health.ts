/** The server's health as `/v1/health` tells it. */
import * as Schema from "effect/Schema"

/**
 * One migration track. Drift is judged by name and content, in both directions: `pending` is in the code and not in the
 * database, `unknown` the reverse, `changed` in both with other content.
 */
export const TrackStatus = Schema.Struct({
  applied: Schema.NullOr(Schema.Int),
  required: Schema.NullOr(Schema.Int),
  inSync: Schema.Boolean,
  pending: Schema.Array(Schema.String),
  changed: Schema.Array(Schema.String),
  unknown: Schema.Array(Schema.String)
})
export type TrackStatus = typeof TrackStatus.Type

export const HealthReport = Schema.Struct({
  /** `migration_pending` when a track is not in sync, else `degraded` when a component is down. */
  status: Schema.Literals(["healthy", "degraded", "migration_pending"]),
  schema: Schema.Struct({ engine: TrackStatus, client: TrackStatus }),
  /** Seconds since the process started serving. */
  uptime: Schema.Number,
  timestamp: Schema.Date,
  version: Schema.String,
  components: Schema.Struct({
    database: Schema.Struct({ status: Schema.Literals(["up", "down"]), latencyMs: Schema.NullOr(Schema.Number) })
  })
})
export type HealthReport = typeof HealthReport.Type

/** 503: not ready to take traffic; `error` says what is missing. */
export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  { error: Schema.String },
  { httpApiStatus: 503 }
) {}
