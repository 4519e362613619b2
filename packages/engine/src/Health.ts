/**
 * The server's health: what `/v1/health` reports, and whether this process should get traffic. Every probe has a deadline,
 * so a database that hangs makes the answer `degraded`, never late.
 */
import { PgClient } from "@effect/sql-pg"
import { type HealthReport, NotReady, type TrackStatus } from "@hogsend/core"
import { Clock, Context, Effect, Layer, Option } from "effect"
import { Migrations, type TrackStatuses } from "./Migrations.ts"

export interface HealthOptions {
  /** How long a probe may take. 1500 ms. */
  readonly probeTimeout?: number
  /** Of the wire. */
  readonly version?: string
}

export class Health extends Context.Service<
  Health,
  {
    /** Never fails: what cannot be found out is null. */
    readonly report: Effect.Effect<HealthReport>
    /** Fails with what is missing. */
    readonly ready: Effect.Effect<void, NotReady>
  }
>()("engine/Health") {
  static readonly layer = (options: HealthOptions = {}) =>
    Layer.effect(
      Health,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const migrations = yield* Migrations
        const timeout = options.probeTimeout ?? 1500
        const startedAt = yield* Clock.currentTimeMillis

        const latency = Effect.gen(function* () {
          const before = yield* Clock.currentTimeMillis
          yield* sql`select 1`
          return (yield* Clock.currentTimeMillis) - before
        }).pipe(Effect.timeout(timeout), Effect.option)

        const schema: Effect.Effect<TrackStatuses> = migrations.status.pipe(
          Effect.timeout(timeout),
          Effect.orElseSucceed(() => ({ engine: unknownTrack, client: unknownTrack }))
        )

        const report = Effect.gen(function* () {
          const [latencyMs, tracks] = yield* Effect.all([latency, schema], { concurrency: 2 })
          const now = yield* Clock.currentTimeMillis
          const up = Option.isSome(latencyMs)
          const inSync = tracks.engine.inSync && tracks.client.inSync
          return {
            status: !inSync ? "migration_pending" : up ? "healthy" : "degraded",
            schema: tracks,
            uptime: Math.round((now - startedAt) / 1000),
            timestamp: new Date(now),
            version: options.version ?? "1",
            components: {
              database: { status: up ? "up" : "down", latencyMs: Option.getOrNull(latencyMs) }
            }
          } as const
        }).pipe(Effect.withSpan("Health.report"))

        const ready = Effect.gen(function* () {
          const { components, schema } = yield* report
          if (components.database.status === "down") {
            return yield* new NotReady({ error: "Not ready: the database does not answer." })
          }
          // A newer process may have migrated ahead of us, which is fine; to be behind is not.
          if (schema.engine.pending.length > 0 || schema.engine.changed.length > 0) {
            return yield* new NotReady({ error: "Not ready: the schema is behind. Run npm run migrate." })
          }
        })

        return Health.of({ report, ready })
      })
    )
}

/** Of a database that did not answer in time: nothing is known to be out of sync. */
const unknownTrack: TrackStatus = { applied: null, required: null, inSync: true, pending: [], changed: [], unknown: [] }
