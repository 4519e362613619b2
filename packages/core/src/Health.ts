/** The server's health as `/v1/health` tells it. */
import * as Schema from "effect/Schema"
import { AnalyticsWriteError, PersonReadFailure } from "./AnalyticsProvider.ts"
import { Instant } from "./Instant.ts"

/** One migration track. Drift is judged by name and content, in both directions. */
export const TrackStatus = Schema.Struct({
  applied: Schema.NullOr(Schema.Int),
  required: Schema.NullOr(Schema.Int),
  inSync: Schema.Boolean,
  pending: Schema.Array(Schema.String).annotateKey({ description: "In the code and not in the database." }),
  outOfOrder: Schema.Array(Schema.String).annotateKey({
    description: "Pending, and before one that is in both: the next migration applies it later than its place says."
  }),
  changed: Schema.Array(Schema.String).annotateKey({ description: "In both, with other content." }),
  unknown: Schema.Array(Schema.String).annotateKey({ description: "In the database and not in the code." })
})
export type TrackStatus = typeof TrackStatus.Type

const upToCounted = "10000 stands for as many or more."

/** How the deliveries of outbound events are doing, of all processes together. */
export const QueueHealth = Schema.Struct({
  pending: Schema.Int.annotateKey({
    description: `Deliveries on their way, those that wait for their next attempt included. ${upToCounted}`
  }),
  oldestDueSeconds: Schema.Number.annotateKey({
    description: "For how long the delivery has been due that waits the longest for a worker. 0: none does."
  }),
  deadLettered: Schema.Int.annotateKey({
    description: `Deliveries that were given up and can be delivered again. ${upToCounted}`
  }),
  openCircuits: Schema.Int.annotateKey({
    description: "Enabled endpoints that fail, and are left alone but for a delivery now and then that tries them."
  })
})
export type QueueHealth = typeof QueueHealth.Type

/** The analytics provider, as this process meets it. */
export const AnalyticsHealth = Schema.Struct({
  configured: Schema.Boolean,
  provider: Schema.NullOr(Schema.String).annotateKey({ description: "Its id. Null: none is configured." }),
  personReads: Schema.NullOr(Schema.Boolean).annotateKey({
    description: "Whether there is a credential to read persons with. Null: no provider is configured."
  }),
  personWrites: Schema.NullOr(Schema.Boolean).annotateKey({
    description: "Whether there is a credential to write persons and events with. Null: no provider is configured."
  }),
  lastReadError: Schema.NullOr(Schema.Struct({ reason: PersonReadFailure, at: Instant })).annotateKey({
    description: "The last read of a person that failed since the process started; reads may work again by now."
  }),
  lastWriteError: Schema.NullOr(AnalyticsWriteError).annotateKey({
    description:
      "The last write of a person or an event, captures included, that the provider did not take; null after one that it took. What was to arrive for certain is tried again."
  }),
  softFailures: Schema.Int.annotateKey({
    description: "How often the process went on without a person's properties, since they could not be read."
  })
})
export type AnalyticsHealth = typeof AnalyticsHealth.Type

export const HealthReport = Schema.Struct({
  status: Schema.Literals(["healthy", "degraded", "migration_pending"]).annotateKey({
    description: "`migration_pending` when a track is not in sync, else `degraded` when a component is down."
  }),
  schema: Schema.Struct({ engine: TrackStatus, client: TrackStatus }),
  uptime: Schema.Number.annotateKey({ description: "Seconds since the process started serving." }),
  timestamp: Instant,
  version: Schema.String,
  components: Schema.Struct({
    database: Schema.Struct({
      status: Schema.Literals(["up", "down"]),
      latencyMs: Schema.NullOr(Schema.Number),
      clockSkewMs: Schema.NullOr(Schema.Number).annotateKey({
        description:
          "How far the database's clock, which due times go by, is ahead of this process's, which judges when keys and tokens end. Null: it could not be read."
      })
    }),
    queue: Schema.NullOr(QueueHealth).annotateKey({ description: "Null: it could not be counted in time." }),
    analytics: AnalyticsHealth
  })
})
export type HealthReport = typeof HealthReport.Type

export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  { error: Schema.String },
  { httpApiStatus: 503, description: "Not ready to take traffic; `error` says what is missing." }
) {}
