/**
 * Keeps what is not meant to be kept for ever to its age: idempotency keys, warnings and their counts, audit rows,
 * the messages that nothing is left to do with, and their deliveries with all attempts.
 *
 * A delivery is kept for as long as its message: without it, a replay of what an endpoint never got would send twice.
 * It deletes in small batches, so that it never holds a table up, by the database's clock. Several processes may run it at
 * once: a batch leaves out rows that another one is at. Events and contacts are not its business.
 */
import { PgClient } from "@effect/sql-pg"
import type { DatabaseUnavailable } from "@hogsend/core"
import { Context, Effect, Layer, Schedule } from "effect"
import { asTask, orUnavailable } from "./Database.ts"

export interface HousekeepingOptions {
  /** How often it runs, in milliseconds. An hour. */
  readonly interval?: number
  /** Rows deleted at a time. 1000. */
  readonly batchSize?: number
  /** Days that rows are kept. */
  readonly keepDays?: {
    /** 30 at least, which is how long a retry is recognised. 35. */
    readonly idempotencyKeys?: number
    /** Their counts, too. 30. */
    readonly warnings?: number
    /** 400. */
    readonly auditLogs?: number
    /** From the end of the last of their deliveries, which go with them. That long they can be replayed. 30. */
    readonly outboundMessages?: number
  }
}

/** How many rows were deleted of each table. */
export type Tidied = Readonly<
  Record<"idempotency_keys" | "warnings" | "warning_counts" | "audit_logs" | "deliveries" | "outbound_messages", number>
>

/** Deletes what is kept for a time, when its time is over. */
export class Housekeeping extends Context.Service<
  Housekeeping,
  {
    /** One round, now. It also runs by itself. */
    readonly tidy: Effect.Effect<Tidied, DatabaseUnavailable>
  }
>()("engine/Housekeeping") {
  static readonly layer = ({ batchSize = 1000, interval = 3_600_000, keepDays = {} }: HousekeepingOptions = {}) =>
    Layer.effect(
      Housekeeping,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient

        const tidyTable = Effect.fnUntraced(function* (table: string, column: string, days: number, also = sql`true`) {
          const [name, time] = [sql.literal(`hogsend.${table}`), sql.literal(column)]
          const batch = sql`
            delete from ${name} where ctid in (
              select ctid from ${name} where ${time} < hogsend.now() - make_interval(days => ${days}::int) and ${also}
              limit ${batchSize} for update skip locked
            ) returning 1`
          let deleted = 0
          for (let last = batchSize; last === batchSize; deleted += last) last = (yield* batch).length
          return deleted
        })

        const messageDays = keepDays.outboundMessages ?? 30
        const isDone = sql`not exists (
          select from hogsend.endpoints e cross join lateral (
            select finished_at from hogsend.deliveries
            where endpoint_id = e.id and message_id = outbound_messages.id offset 0
          ) d
          where d.finished_at is null or d.finished_at >= hogsend.now() - make_interval(days => ${messageDays}::int)
        )`
        // Scalar, so that no plan reads all messages.
        const isOrphaned = sql`(select id from hogsend.outbound_messages where id = deliveries.message_id) is null`

        const tidy = Effect.gen(function* () {
          return {
            idempotency_keys: yield* tidyTable("idempotency_keys", "created_at", keepDays.idempotencyKeys ?? 35),
            warnings: yield* tidyTable("warnings", "occurred_at", keepDays.warnings ?? 30),
            warning_counts: yield* tidyTable("warning_counts", "hour", keepDays.warnings ?? 30),
            audit_logs: yield* tidyTable("audit_logs", "occurred_at", keepDays.auditLogs ?? 400),
            outbound_messages: yield* tidyTable("outbound_messages", "occurred_at", messageDays, isDone),
            deliveries: yield* tidyTable("deliveries", "finished_at", messageDays, isOrphaned)
          }
        }).pipe(orUnavailable, asTask, Effect.withSpan("Housekeeping.tidy"))

        yield* Effect.sleep(interval).pipe(
          Effect.andThen(Effect.catchCause(tidy, (cause) => Effect.logWarning("Housekeeping failed", cause))),
          Effect.repeat(Schedule.forever),
          Effect.forkScoped
        )
        return Housekeeping.of({ tidy })
      })
    )
}
