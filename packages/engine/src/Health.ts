/**
 * The server's health: what `/v1/health` reports, and whether this process should get traffic. Every probe has a deadline,
 * so a database that hangs makes the answer `degraded`, never late.
 */
import { PgClient } from "@effect/sql-pg"
import { type HealthReport, NotReady, type TrackStatus } from "@hogsend/core"
import { Clock, Context, Effect, Exit, Fiber, Layer, Option } from "effect"
import { DestinationQueue } from "./DestinationQueue.ts"
import { Migrations } from "./Migrations.ts"
import { PersonReads } from "./PersonReads.ts"

export interface HealthOptions {
  /** How long a probe may take. 1500 ms. */
  readonly probeTimeout?: number
  /** Of the wire. */
  readonly version?: string
}

/** What `/v1/health` reports, and whether this process should get traffic. */
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
        const queue = yield* DestinationQueue
        const personReads = yield* PersonReads
        const timeout = options.probeTimeout ?? 1500
        const startedAt = yield* Clock.currentTimeMillis

        const latency = Effect.gen(function* () {
          const before = yield* Clock.currentTimeMillis
          yield* sql`select 1`
          return (yield* Clock.currentTimeMillis) - before
        })
        const clockSkew = Effect.gen(function* () {
          const before = yield* Clock.currentTimeMillis
          const [row] = yield* sql<{ ms: number }>`select (extract(epoch from hogsend.now()) * 1000)::float8 as ms`
          const between = (before + (yield* Clock.currentTimeMillis)) / 2
          return row === undefined ? null : Math.round(row.ms - between)
        })
        const clockProbe = makeProbe(clockSkew, timeout)
        const latencyProbe = makeProbe(latency, timeout)
        const schemaProbe = makeProbe(migrations.status, timeout)

        const queueProbe = makeProbe(queue.health, timeout)
        const basics = Effect.all({ latencyMs: latencyProbe, schema: schemaProbe }, { concurrency: 2 })

        const report = Effect.gen(function* () {
          const [{ latencyMs, schema }, queued, clockSkewMs] = yield* Effect.all([basics, queueProbe, clockProbe], {
            concurrency: 3
          })
          const now = yield* Clock.currentTimeMillis
          const inSync = schema === null || (schema.engine.inSync && schema.client.inSync)
          return {
            status: !inSync ? "migration_pending" : latencyMs === null || schema === null ? "degraded" : "healthy",
            schema: schema ?? { engine: unknownTrack, client: unknownTrack },
            uptime: Math.round((now - startedAt) / 1000),
            timestamp: new Date(now),
            version: options.version ?? "1",
            components: {
              database: { status: latencyMs === null ? "down" : "up", latencyMs, clockSkewMs },
              queue: queued,
              analytics: yield* personReads.health
            }
          } as const
        }).pipe(Effect.withSpan("Health.report"))

        const ready = Effect.gen(function* () {
          const { latencyMs, schema } = yield* basics
          if (latencyMs === null) return yield* new NotReady({ error: "Not ready: the database does not answer." })
          if (schema === null) {
            return yield* new NotReady({ error: "Not ready: the state of the schema cannot be read." })
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

/**
 * Null when it fails, in whatever way, or is late. Reports at the same moment share one, so that a crowd of them does not fill
 * the pool; one that is late is told to stop, and not waited for, since to cancel a statement takes an answer too.
 */
const makeProbe = <A, E>(effect: Effect.Effect<A, E>, timeout: number): Effect.Effect<A | null> => {
  let running: Fiber.Fiber<A, E> | undefined
  return Effect.gen(function* () {
    if (running === undefined || running.pollUnsafe() !== undefined) running = yield* Effect.forkDetach(effect)
    const probe = running
    const exit = yield* Effect.timeoutOption(Fiber.await(probe), timeout)
    if (Option.isNone(exit)) probe.interruptUnsafe()
    return Option.isSome(exit) && Exit.isSuccess(exit.value) ? exit.value.value : null
  })
}

/** Of a database that did not answer in time: nothing is known to be out of sync. */
const unknownTrack: TrackStatus = {
  applied: null,
  required: null,
  inSync: true,
  pending: [],
  outOfOrder: [],
  changed: [],
  unknown: []
}
