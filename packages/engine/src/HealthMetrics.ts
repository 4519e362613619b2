/**
 * What only the database knows, as numbers: whether it answers, how deliveries are doing, whether the schema is in sync.
 *
 * The look is that of `/v1/health`, taken every now and then by this process, and never for a scrape: whoever reads the
 * numbers asks the database for nothing. What the last look could not find out is told to nobody.
 */
import { Effect, Layer, Schedule } from "effect"
import { Health } from "./Health.ts"
import { Metrics } from "./Metrics.ts"

export interface HealthMetricsOptions {
  /** How long between two looks, in milliseconds. 15000. */
  readonly interval?: number
}

export const HealthMetrics = {
  layer: ({ interval = 15_000 }: HealthMetricsOptions = {}) =>
    Layer.effectDiscard(
      Effect.gen(function* () {
        const health = yield* Health
        const up = yield* Metrics.gauge("hogsend_database_up")
        const latency = yield* Metrics.gauge("hogsend_database_latency_seconds")
        const inSync = yield* Metrics.gauge("hogsend_schema_in_sync")
        const pending = yield* Metrics.gauge("hogsend_deliveries_pending")
        const oldestDue = yield* Metrics.gauge("hogsend_deliveries_oldest_due_seconds")
        const dead = yield* Metrics.gauge("hogsend_deliveries_dead")
        const open = yield* Metrics.gauge("hogsend_endpoints_circuit_open")

        const look = Effect.map(health.report, ({ components: { database, queue }, status }) => {
          up(database.status === "up" ? 1 : 0)
          latency(database.latencyMs === null ? null : database.latencyMs / 1000)
          inSync(status === "migration_pending" ? 0 : 1)
          pending(queue?.pending ?? null)
          oldestDue(queue?.oldestDueSeconds ?? null)
          dead(queue?.deadLettered ?? null)
          open(queue?.openCircuits ?? null)
        })
        // Without a tracer: nobody asked for it.
        yield* look.pipe(Effect.withTracerEnabled(false), Effect.repeat(Schedule.spaced(interval)), Effect.forkScoped)
      })
    )
}
