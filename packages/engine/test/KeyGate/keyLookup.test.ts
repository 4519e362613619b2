/** The cache of keys against a real table, under a clock that the test moves. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it, layer } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Clock, Effect, Layer, Redacted } from "effect"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import { TestClock } from "effect/testing"
import { mintApiKeySecret } from "../../src/apiKeySecret.ts"
import { KeyGate } from "../../src/KeyGate.ts"
import { makeKeyLookup } from "../../src/KeyGate/keyLookup.ts"
import { newId } from "../../src/newId.ts"
import { RateLimits } from "../../src/RateLimits.ts"

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
      // It is written in its own time: beside whoever asked for it, and so maybe after the sentinel.
      expect(yield* Effect.repeat(written, { until: (count) => count >= 2 })).toBe(2)

      // Other processes, each with its own memory, within the minute of the row.
      for (let process = 0; process < 5; process++) yield* makeKeyLookup(sql, 1000).markUsed(id, now)
      expect(yield* written).toBe(2)
    })
  )
})

const fromServer = { method: "GET", origin: undefined, secFetchSite: undefined, host: undefined }

layer(TestDatabase.layer)("KeyGate as it comes", (it) => {
  it.effect("when the epoch cannot be read any more, a cached key counts for a second and not a moment longer", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const reader = { readings: 0, dead: false }
      /** For the reader alone: it is started with the layer, and look-ups are of the test. */
      const readings: Transformer = (statement, sql) => {
        reader.readings += 1
        return Effect.succeed(reader.dead ? sql`select 1 / 0` : statement)
      }
      const { key, keyHash } = mintApiKeySecret(false)
      const id = yield* insertKey(keyHash)
      yield* Effect.gen(function* () {
        const gate = yield* KeyGate
        const name = Effect.map(
          gate.authorize(Redacted.make(key), { browser: false, scopes: ["read"] }, fromServer),
          (caller) => caller.name
        )
        let renames = 0
        const rename = Effect.suspend(() => renameSilently(id, `name-${++renames}`))
        // Once the first reading is there, what was cached is believed.
        const believed = Effect.gen(function* () {
          const before = yield* name
          yield* rename
          return before === (yield* name)
        })
        yield* Effect.repeat(believed, { until: (yes) => yes })
        const old = yield* name
        reader.dead = true
        yield* TestClock.adjust(500)
        yield* Effect.repeat(sql`select 1`, { until: () => reader.readings === 2 })
        yield* TestClock.adjust(499)
        expect(yield* name).toBe(old)
        yield* TestClock.adjust(1)
        expect(yield* name).toBe(`name-${renames}`)
        yield* sql`update hogsend.api_keys set revoked_at = now() where id = ${id}`
        expect(yield* Effect.flip(Effect.asVoid(name))).toMatchObject({ _tag: "Unauthorized" })
      }).pipe(
        Effect.provide(
          KeyGate.layer().pipe(Layer.provide([Layer.succeed(CurrentTransformer, readings), RateLimits.layer()]))
        )
      )
    })
  )
})

/** A database of no keys that counts what it is asked. */
const countingClient = () => {
  const asked = new Map<unknown, number>()
  const client = (_: TemplateStringsArray, ...[value]: ReadonlyArray<unknown>) =>
    Effect.sync(() => {
      asked.set(value, (asked.get(value) ?? 0) + 1)
      return [{ epoch: "1", id: null }]
    })
  return { asked, sql: client as unknown as PgClient.PgClient }
}

describe("keyLookup's memory", () => {
  it.effect("holds 10,000 keys, known or not: the oldest goes for the next one, however fresh the epoch is", () =>
    Effect.gen(function* () {
      const { asked, sql } = countingClient()
      const keys = makeKeyLookup(sql, 1000)
      yield* keys.readEpoch
      for (let n = 0; n < 10_000; n++) yield* keys.find(`hash-${n}`)
      yield* keys.find("hash-0")
      expect(asked.get("hash-0")).toBe(1)
      yield* keys.find("hash-10000")
      for (const hash of ["hash-1", "hash-10000"]) yield* keys.find(hash)
      expect([asked.get("hash-1"), asked.get("hash-10000")]).toEqual([1, 1])
      yield* keys.find("hash-0")
      expect(asked.get("hash-0")).toBe(2)
    })
  )

  it.effect("holds the last use of 10,000 keys", () =>
    Effect.gen(function* () {
      const { asked, sql } = countingClient()
      const keys = makeKeyLookup(sql, 1000)
      const use = (n: number) => Effect.andThen(keys.markUsed(`id-${n}`, 0), Effect.yieldNow)
      for (let n = 0; n < 10_000; n++) yield* use(n)
      yield* use(0)
      expect(asked.get("id-0")).toBe(1)
      yield* use(10_000)
      yield* use(0)
      expect(asked.get("id-0")).toBe(2)
    })
  )
})
