/** Everything that a data-plane request could leave behind, row by row: equal before and after means nothing was stored. */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"

const tables = [
  "contacts",
  "identity_keys",
  "identity_ledger",
  "identity_cuts",
  "events",
  "idempotency_keys",
  "warnings",
  "erasures",
  "tombstones"
]

/** By table: how many rows, and a digest of their whole content. */
export const storedState = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  return yield* Effect.forEach(
    tables,
    (table) => sql`
      select ${table} as "table", count(*)::int as rows, md5(string_agg(t::text, '|' order by t::text)) as digest
      from ${sql.literal(`hogsend.${table}`)} t`
  )
})

/** How many rows a table has. */
export const countRows = Effect.fnUntraced(function* (table: "contacts" | "events" | "identity_keys" | "warnings") {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ total: number }>`select count(*)::int as total from ${sql.literal(`hogsend.${table}`)}`
  return rows[0]?.total ?? 0
})
