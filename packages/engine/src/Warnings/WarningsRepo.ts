/**
 * The SQL of warnings: storing what was recorded in one transaction, and reading it.
 *
 * Storing waits for nobody but another storing, at its counts, which all take in one order: it leaves out contacts and
 * examples that somebody else has locked. So it takes part in no deadlock, and holds no request up for longer than itself.
 */
import type { PgClient } from "@effect/sql-pg"
import type { Page, WarningExample } from "@hogsend/core"
import { Effect } from "effect"
import { oneRow } from "../Database.ts"
import type { Count, Example, Recorded } from "./warningBuffer.ts"

interface KindRow {
  readonly code: string
  readonly total: number
  readonly sources: Readonly<Record<string, number>>
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Examples above the number that is kept that one storing deletes at most: each adds fewer. */
const trimLimit = 1000

export const makeWarningsRepo = (sql: PgClient.PgClient, examplesPerCode: number) => {
  /** By the database's clock: that long ago. */
  const ago = (column: string) => sql.literal(`hogsend.now() - make_interval(secs => ${column} / 1000)`)

  const addCounts = (counts: ReadonlyArray<Count>, nowMs: number) => {
    const rows = counts.map(({ firstAtMs, lastAtMs, ...count }) => ({
      ...count,
      firstAge: age(firstAtMs, nowMs),
      lastAge: age(lastAtMs, nowMs)
    }))
    return sql`
      insert into hogsend.warning_counts as kept (code, source, hour, times, first_at, last_at)
      select code, source, date_trunc('hour', ${ago('"lastAge"')}, 'UTC'), times, ${ago('"firstAge"')}, ${ago('"lastAge"')}
      from jsonb_to_recordset(${sql.json(rows)})
        as c (code text, source text, times bigint, "firstAge" float8, "lastAge" float8)
      order by code, source
      on conflict (code, source, hour) do update set times = kept.times + excluded.times,
        first_at = least(kept.first_at, excluded.first_at), last_at = greatest(kept.last_at, excluded.last_at)`
  }

  const addExamples = (examples: ReadonlyArray<Example>, nowMs: number) => {
    const rows = examples.map(({ atMs, ...example }) => ({ ...example, age: age(atMs, nowMs) }))
    return sql`
      insert into hogsend.warnings (id, code, hint, key_kind, key_value, source, contact_id, occurred_at)
      select id, code, hint, key->>'kind', key->>'value', source, "contactId", ${ago("age")}
      from jsonb_to_recordset(${sql.json(rows)}) as e (id uuid, code text, hint text, key jsonb, source text,
        "contactId" uuid, age float8)
      on conflict (id) do nothing`
  }

  const trim = (codes: ReadonlyArray<string>) => sql`
    delete from hogsend.warnings where id in (
      select old.id
      from unnest(${codes}::text[]) as of (code)
      cross join lateral (
        select id from hogsend.warnings w where w.code = of.code order by id desc offset ${examplesPerCode - 1} limit 1
      ) as last
      join hogsend.warnings old on old.code = of.code and old.id < last.id
      limit ${trimLimit} for update of old skip locked)`

  /**
   * Which of the contacts there are, locked until the end of the transaction: stronger than for a reference, as an erasure
   * that holds its contact's lock already must not miss the row. `busy` are those that somebody else has locked.
   */
  const holdContacts = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    if (ids.length === 0) return { held: new Set<string>(), busy: new Set<string>() }
    const held = idsIn(
      yield* sql<{ id: string }>`
        select id from hogsend.contacts where id = any(${ids}::uuid[]) order by id for share skip locked`
    )
    if (held.size === ids.length) return { held, busy: new Set<string>() }
    const there = yield* sql<{ id: string }>`select id from hogsend.contacts where id = any(${ids}::uuid[])`
    return { held, busy: idsIn(there.filter(({ id }) => !held.has(id))) }
  })

  return {
    /** Answers the examples that are to be stored another time. One whose contact is gone is dropped. */
    store: Effect.fnUntraced(function* ({ counts, examples }: Recorded, nowMs: number) {
      const named = [...new Set(examples.flatMap(({ contactId }) => contactId ?? []))]
      const { busy, held } = yield* holdContacts(named)
      if (counts.length > 0) yield* addCounts(counts, nowMs)
      const stored = examples.filter(({ contactId }) => contactId === null || held.has(contactId))
      if (stored.length > 0) {
        yield* addExamples(stored, nowMs)
        yield* trim([...new Set(stored.map(({ code }) => code))])
      }
      return examples.filter(({ contactId }) => contactId !== null && busy.has(contactId))
    }, sql.withTransaction),

    /** Most recent first. */
    kinds: ({ limit, offset }: Page, code: string | undefined) => sql<KindRow>`
      with by_source as (
        select code, source, sum(times) as times, min(first_at) as first_at, max(last_at) as last_at
        from hogsend.warning_counts where ${ofCode(sql, code)} group by code, source
      )
      select code, sum(times)::float8 as total, jsonb_object_agg(source, times) as sources, min(first_at) as "firstAt",
        max(last_at) as "lastAt"
      from by_source group by code order by max(last_at) desc, code limit ${limit} offset ${offset}`,

    countKinds: (code: string | undefined) =>
      totalOf(sql<Total>`
        select count(distinct code)::int as total from hogsend.warning_counts where ${ofCode(sql, code)}`),

    /** Of each code the newest ones, newest first. */
    examples: (codes: ReadonlyArray<string>, { limit, offset }: Page) => sql<
      WarningExample & { readonly code: string }
    >`
      select e.code, e.hint, e.source, e.occurred_at as "occurredAt",
        case when e.key_kind is not null then jsonb_build_object('kind', e.key_kind, 'value', e.key_value) end as key
      from unnest(${codes}::text[]) as of (code)
      cross join lateral (
        select * from hogsend.warnings w where w.code = of.code order by id desc limit ${limit} offset ${offset}
      ) as e
      order by e.id desc`,

    countExamples: (code: string) =>
      totalOf(sql<Total>`select count(*)::int as total from hogsend.warnings where code = ${code}`)
  }
}

interface Total {
  readonly total: number
}

const totalOf = <E, R>(rows: Effect.Effect<ReadonlyArray<Total>, E, R>) =>
  Effect.map(Effect.flatMap(rows, oneRow), ({ total }) => total)

const ofCode = (sql: PgClient.PgClient, code: string | undefined) =>
  code === undefined ? sql`true` : sql`code = ${code}`

/** A clock that was set back makes nothing happen in the future. */
const age = (atMs: number, nowMs: number) => Math.max(0, nowMs - atMs)

const idsIn = (rows: ReadonlyArray<{ readonly id: string }>): ReadonlySet<string> => new Set(rows.map(({ id }) => id))
