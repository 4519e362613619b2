/** The cache of keys against a real table, under a clock that the test moves. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { makeKeyLookup } from "../../src/KeyGate/keyLookup.ts"
import { newId } from "../../src/newId.ts"

const insertKey = Effect.fnUntraced(function* (keyHash: string) {
  const sql = yield* PgClient.PgClient
  const id = newId()
  yield* sql`
    insert into hogsend.api_keys (id, name, key_prefix, key_hash, scopes)
    values (${id}, 'first', 'hsk_test', ${keyHash}, '{read}')`
  return id
})

/** A change that the epoch does not tell of, so that what comes from the cache can be told from what does not. */
const renameSilently = Effect.fnUntraced(function* (id: string, name: string) {
  const sql = yield* PgClient.PgClient
  yield* sql`alter table hogsend.api_keys disable trigger api_keys_epoch`
  yield* sql`update hogsend.api_keys set name = ${name} where id = ${id}`
  yield* sql`alter table hogsend.api_keys enable trigger api_keys_epoch`
})

layer(TestDatabase.layer)("keyLookup", (it) => {
  it.effect("a cached key counts for a second after the last reading of the epoch, and not a moment longer", () =>
    Effect.gen(function* () {
      const keys = makeKeyLookup(yield* PgClient.PgClient, 1000)
      const nameOf = Effect.map(keys.find("hash-age"), (key) => key?.name)
      const id = yield* insertKey("hash-age")
      yield* keys.readEpoch
      expect(yield* nameOf).toBe("first")
      yield* renameSilently(id, "second")
      yield* TestClock.adjust(999)
      expect(yield* nameOf).toBe("first")
      yield* TestClock.adjust(1)
      expect(yield* nameOf).toBe("second")
      // While the epoch is not read, every look-up asks the database.
      yield* renameSilently(id, "third")
      expect(yield* nameOf).toBe("third")
      yield* keys.readEpoch
      yield* renameSilently(id, "fourth")
      expect(yield* nameOf).toBe("third")
    })
  )

  it.effect("nothing is believed before the epoch was read once", () =>
    Effect.gen(function* () {
      const keys = makeKeyLookup(yield* PgClient.PgClient, 1000)
      const id = yield* insertKey("hash-start")
      expect(yield* keys.find("hash-start")).toMatchObject({ id, name: "first" })
      yield* renameSilently(id, "second")
      expect(yield* keys.find("hash-start")).toMatchObject({ id, name: "second" })
    })
  )

  it.effect(
    "any change of any key empties it, once the epoch is read: what is known, and what is known to be absent",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const keys = makeKeyLookup(sql, 1000)
        const id = yield* insertKey("hash-change")
        yield* keys.readEpoch
        expect(yield* keys.find("hash-change")).toMatchObject({ name: "first" })
        expect(yield* keys.find("hash-absent")).toBeNull()
        yield* sql`update hogsend.api_keys set revoked_at = now() where id = ${id}`
        yield* insertKey("hash-absent")
        // The news has not been read yet: still the old row, and still absent.
        expect(yield* keys.find("hash-change")).toMatchObject({ name: "first" })
        expect(yield* keys.find("hash-absent")).toBeNull()
        yield* keys.readEpoch
        expect(yield* keys.find("hash-change")).toBeNull()
        expect(yield* keys.find("hash-absent")).toMatchObject({ name: "first" })
      })
  )

  it.effect("last_used_at is written at most once a minute, by one process and by many", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`create sequence public.writes`
      yield* sql`create function public.count_write() returns trigger language plpgsql as
        'begin perform nextval(''public.writes''); return new; end'`
      yield* sql`create trigger count_writes before update of last_used_at on hogsend.api_keys
        for each row execute function public.count_write()`
      const writes = Effect.map(
        sql<{ count: number }>`
          select (case when is_called then last_value else 0 end)::int as count from public.writes`,
        (rows) => rows[0]?.count
      )
      const used = (id: string) =>
        Effect.repeat(
          sql<{ used: boolean }>`select last_used_at is not null as used from hogsend.api_keys where id = ${id}`,
          { until: ([row]) => row?.used === true }
        )
      const now = yield* Clock.currentTimeMillis
      const keys = makeKeyLookup(sql, 1000)
      let sentinels = 0
      /** How often the key was written, once everything that was asked for before has been done. */
      const written = Effect.gen(function* () {
        const sentinel = yield* insertKey(`hash-sentinel-${++sentinels}`)
        yield* keys.markUsed(sentinel, now)
        yield* used(sentinel)
        yield* Effect.repeat(
          sql`select from pg_stat_activity where datname = current_database() and state <> 'idle'
            and query like '%last_used_at = hogsend.now()%' and pid <> pg_backend_pid()`,
          { until: (rows) => rows.length === 0 }
        )
        return ((yield* writes) ?? 0) - sentinels
      })
      const id = yield* insertKey("hash-used")
      for (let times = 0; times < 50; times++) yield* keys.markUsed(id, now + times * 1000)
      yield* used(id)
      expect(yield* written).toBe(1)

      // Long ago, by the database's clock; but this process wrote within the minute, by its own.
      yield* sql`alter table hogsend.api_keys disable trigger count_writes`
      yield* sql`update hogsend.api_keys set last_used_at = now() - interval '1 hour' where id = ${id}`
      yield* sql`alter table hogsend.api_keys enable trigger count_writes`
      yield* keys.markUsed(id, now + 59_999)
      expect(yield* written).toBe(1)
      yield* keys.markUsed(id, now + 60_000)
      expect(yield* written).toBe(2)

      // Other processes, each with its own memory, within the minute of the row.
      for (let process = 0; process < 5; process++) yield* makeKeyLookup(sql, 1000).markUsed(id, now)
      expect(yield* written).toBe(2)
    })
  )
})
