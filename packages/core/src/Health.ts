/** The server's health as `/v1/health` tells it. */
import * as Schema from "effect/Schema"
import { Instant } from "./Instant.ts"

/** One migration track. Drift is judged by name and content, in both directions. */
export const TrackStatus = Schema.Struct({
  applied: Schema.NullOr(Schema.Int),
  required: Schema.NullOr(Schema.Int),
  inSync: Schema.Boolean,
  pending: Schema.Array(Schema.String).annotateKey({ description: "In the code and not in the database." }),
  changed: Schema.Array(Schema.String).annotateKey({ description: "In both, with other content." }),
  unknown: Schema.Array(Schema.String).annotateKey({ description: "In the database and not in the code." })
})
export type TrackStatus = typeof TrackStatus.Type

export const HealthReport = Schema.Struct({
  status: Schema.Literals(["healthy", "degraded", "migration_pending"]).annotateKey({
    description: "`migration_pending` when a track is not in sync, else `degraded` when a component is down."
  }),
  schema: Schema.Struct({ engine: TrackStatus, client: TrackStatus }),
  uptime: Schema.Number.annotateKey({ description: "Seconds since the process started serving." }),
  timestamp: Instant,
  version: Schema.String,
  components: Schema.Struct({
    database: Schema.Struct({ status: Schema.Literals(["up", "down"]), latencyMs: Schema.NullOr(Schema.Number) })
  })
})
export type HealthReport = typeof HealthReport.Type

export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  { error: Schema.String },
  { httpApiStatus: 503, description: "Not ready to take traffic; `error` says what is missing." }
) {}
