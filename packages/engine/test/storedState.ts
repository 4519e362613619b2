/**
 * Everything that a data-plane request could leave behind, row by row: equal before and after means nothing was stored.
 * Warnings are stored a moment after their request, so they are stored first.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Warnings } from "../src/Warnings.ts"

const tables = [
  "contacts",
  "identity_keys",
  "identity_ledger",
  "identity_cuts",
  "events",
  "idempotency_keys",
  "warnings",
  "warning_counts",
  "erasures",
  "tombstones"
]

const digests = Effect.fnUntraced(function* (of: ReadonlyArray<string>) {
  const sql = yield* PgClient.PgClient
  yield* Effect.flatMap(Warnings, ({ flush }) => flush)
  return yield* Effect.forEach(
    of,
    (table) => sql`
      select ${table} as "table", count(*)::int as rows, md5(string_agg(t::text, '|' order by t::text)) as digest
      from ${sql.literal(`hogsend.${table}`)} t`
  )
})

/** By table: how many rows, and a digest of their whole content. */
export const storedState = digests(tables)

/** The same without the warnings, which tell of a request that had no good key, too. */
export const storedPeople = digests(tables.filter((table) => !table.startsWith("warning")))

/** How many rows a table has. */
export const countRows = Effect.fnUntraced(function* (table: "contacts" | "events" | "identity_keys") {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ total: number }>`select count(*)::int as total from ${sql.literal(`hogsend.${table}`)}`
  return rows[0]?.total ?? 0
})

/** How many warnings of each code were given. */
export const warningCounts = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  yield* Effect.flatMap(Warnings, ({ flush }) => flush)
  const rows = yield* sql<{ code: string; times: number }>`
    select code, sum(times)::int as times from hogsend.warning_counts group by code`
  return Object.fromEntries(rows.map(({ code, times }) => [code, times]))
})
