/**
 * The audit log: who changed what through the admin plane. A row is written in the transaction of the change that it
 * tells of, so there is no change without its row and no row without its change.
 */
import { PgClient } from "@effect/sql-pg"
import { AuditLog, type Caller, type DatabaseUnavailable, type Page } from "@hogsend/core"
import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { oneRow, orUnavailable } from "./Database.ts"
import { newId } from "./newId.ts"

/** Who acts: the key of the request, or the server itself. */
export type Actor = Pick<Caller["Service"], "name" | "keyId">

/** The server itself. */
export const boot: Actor = { name: "boot", keyId: null }

/** Who changed what through the admin plane, written with the change. */
export class AuditLogs extends Context.Service<
  AuditLogs,
  {
    /** Part of the caller's transaction. `action` is `<resource>.<what was done>`. */
    readonly record: (entry: {
      readonly actor: Actor
      readonly action: `${string}.${string}`
      readonly resourceId: string | null
    }) => Effect.Effect<void, SqlError>
    /** Newest first. */
    readonly list: (
      page: Page
    ) => Effect.Effect<{ readonly auditLogs: ReadonlyArray<AuditLog>; readonly total: number }, DatabaseUnavailable>
  }
>()("engine/AuditLogs") {
  static readonly layer = Layer.effect(
    AuditLogs,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      return AuditLogs.of({
        record: ({ action, actor, resourceId }) =>
          Effect.asVoid(sql`
            insert into hogsend.audit_logs (id, actor, actor_key_id, action, resource, resource_id)
            values (${newId()}, ${actor.name}, ${actor.keyId}, ${action}, ${action.split(".")[0]}, ${resourceId})`),
        list: Effect.fn("AuditLogs.list")(function* ({ limit, offset }: Page) {
          const rows = yield* sql<typeof AuditLog.Type>`
            select id, actor, actor_key_id as "actorKeyId", action, resource, resource_id as "resourceId",
              occurred_at as "occurredAt"
            from hogsend.audit_logs order by id desc limit ${limit} offset ${offset}`
          const { total } = yield* Effect.flatMap(
            sql<{ total: number }>`select count(*)::int as total from hogsend.audit_logs`,
            oneRow
          )
          return { auditLogs: rows.map((row) => new AuditLog(row)), total }
        }, orUnavailable)
      })
    })
  )
}
