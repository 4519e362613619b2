/**
 * Ingestion warnings: what was refused of requests that were accepted. They are answered to the caller and kept here, so
 * that an operator finds out about a sender that nobody watches. A row never holds a whole key.
 */
import { PgClient } from "@effect/sql-pg"
import { type DatabaseUnavailable, type IngestionWarning, type Page, Warning } from "@hogsend/core"
import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { oneRow, orUnavailable } from "./Database.ts"
import { newId } from "./newId.ts"

export class Warnings extends Context.Service<
  Warnings,
  {
    /** Part of the caller's transaction. */
    readonly record: (
      warnings: ReadonlyArray<IngestionWarning>,
      about: { readonly source: string; readonly contactId: string | null }
    ) => Effect.Effect<void, SqlError>
    /** Newest first; of one code when it is given. */
    readonly list: (
      page: Page,
      code: string | undefined
    ) => Effect.Effect<{ readonly warnings: ReadonlyArray<Warning>; readonly total: number }, DatabaseUnavailable>
  }
>()("engine/Warnings") {
  static readonly layer = Layer.effect(
    Warnings,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient

      const record: Warnings["Service"]["record"] = (warnings, { contactId, source }) =>
        warnings.length === 0
          ? Effect.void
          : Effect.asVoid(sql`
              insert into hogsend.warnings (id, code, hint, key_kind, key_value, source, contact_id)
              select id, code, hint, key->>'kind', key->>'value', ${source}, ${contactId}::uuid
              from jsonb_to_recordset(${sql.json(warnings.map((warning) => ({ id: newId(), ...warning })))})
                as w (id uuid, code text, hint text, key jsonb)`)

      const list = Effect.fn("Warnings.list")(function* ({ limit, offset }: Page, code: string | undefined) {
        const ofCode = code === undefined ? sql`true` : sql`code = ${code}`
        const rows = yield* sql<typeof Warning.Type>`
          select id, code, hint, key_kind as "keyKind", key_value as "keyValue", source, occurred_at as "occurredAt"
          from hogsend.warnings where ${ofCode} order by id desc limit ${limit} offset ${offset}`
        const { total } = yield* Effect.flatMap(
          sql<{ total: number }>`select count(*)::int as total from hogsend.warnings where ${ofCode}`,
          oneRow
        )
        return { warnings: rows.map((row) => new Warning(row)), total }
      }, orUnavailable)

      return Warnings.of({ record, list })
    })
  )
}
