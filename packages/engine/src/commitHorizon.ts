/**
 * Following a table whose rows become visible in another order than that of their keys: when a transaction commits, its rows
 * stand between others that were read long ago.
 *
 * A row that one look could not see, and a later one can, was written by a transaction that was running at the first look, or
 * began after it: its `xmin` is not below that look's horizon. So a look reads what is new by its key, some way back, and of
 * that only what is above the horizon of the look before: few rows more than the new ones, which who follows has to know by
 * their keys. (`pg_visible_in_snapshot` would say it exactly, but not of a row that was written in a savepoint.)
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { oneRow } from "./Database.ts"

/** What `xmin`s are compared with; to be read before the rows. */
export const currentHorizon = (sql: PgClient.PgClient) =>
  sql<{ horizon: string }>`
    select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint & 4294967295)::text as horizon`.pipe(
    Effect.flatMap(oneRow),
    Effect.map(({ horizon }) => horizon)
  )

/** Whether a row may have become visible since; `xmin` is that of the row. */
export const sinceHorizon = (sql: PgClient.PgClient, xmin: string, horizon: string) =>
  sql`age(${sql.literal(xmin)}) <= age(${horizon}::xid)`
