/** Both migration tracks on empty databases: order, races, drift, failures, and what may stand in a text. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { createHash } from "node:crypto"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { engineMigrations } from "../../src/Migrations/engineMigrations.ts"
import { openTransaction, somebodyWaits } from "../openTransaction.ts"
import { connect, engineNames, engineTrackNames, fresh, migrationsOn, recorded, tableNames } from "./tracks.ts"

describe("The two tracks", () => {
  it.live("are applied engine first, and once", () =>
    Effect.gen(function* () {
      // It stands on a function of the engine's, so the other order would fail.
      const orders = { name: "0000_orders", sql: "create table orders (at timestamptz default hogsend.now())" }
      const { run, sql, status } = yield* fresh([orders])
      expect(yield* status).toMatchObject({
        engine: { applied: 0, required: engineNames.length, inSync: false, pending: engineNames },
        client: { applied: 0, required: 1, inSync: false, pending: ["0000_orders"] }
      })
      expect(yield* run(["client", "engine"])).toEqual([...engineTrackNames, "client/0000_orders"])
      expect(yield* run(["client", "engine"])).toEqual([])
      expect(yield* recorded(sql)).toEqual([...engineTrackNames, "client/0000_orders"])
      const done = { inSync: true, pending: [], changed: [], unknown: [] }
      expect(yield* status).toMatchObject({ engine: done, client: { ...done, applied: 1, required: 1 } })
    })
  )

  it.live("are applied one without the other when so asked", () =>
    Effect.gen(function* () {
      const { run, status } = yield* fresh([{ name: "0000_orders", sql: "create table orders (id int)" }])
      expect(yield* run(["engine"])).toEqual(engineTrackNames)
      expect((yield* status).client.pending).toEqual(["0000_orders"])
      expect(yield* run(["client"])).toEqual(["client/0000_orders"])
    })
  )

  it.live("are refused by a name that is none", () =>
    Effect.gen(function* () {
      const { run } = yield* fresh()
      const failure = yield* Effect.flip(run(["mine" as "client"]))
      expect(failure).toMatchObject({ _tag: "MigrationFailed", error: expect.stringContaining("no such track") })
    })
  )

  it.live("take no text that opens or ends a transaction, and say why", () =>
    Effect.gen(function* () {
      for (const sql of ["begin", "create table orders (id int); commit"]) {
        const { run } = yield* fresh([{ name: "0000_orders", sql }])
        expect(yield* Effect.flip(run(["engine", "client"]))).toMatchObject({
          migration: "client/0000_orders",
          error: expect.stringContaining("leave begin, commit and rollback out")
        })
      }
    })
  )

  it.live("are applied once when several processes start at the same moment", () =>
    Effect.gen(function* () {
      const client = [
        { name: "0000_ran", sql: "create table ran (at timestamptz default clock_timestamp())" },
        { name: "0001_count", sql: "insert into ran default values; select pg_sleep(0.1)" },
        // It waits for every snapshot of every other session, those that wait for our lock included.
        { name: "0002_index", sql: "-- no transaction\ncreate index concurrently ran_at on ran (at)" }
      ]
      const { sql, url } = yield* fresh()
      const processes = yield* Effect.all(
        Array.from({ length: 5 }, () => Effect.flatMap(connect(url), (sql) => migrationsOn(sql, client)))
      )
      const done = yield* Effect.all(
        processes.map(({ run }) => run(["engine", "client"])),
        { concurrency: "unbounded" }
      )
      const all = [...engineTrackNames, ...client.map(({ name }) => `client/${name}`)]
      expect(done.flat().toSorted()).toEqual(all.toSorted())
      expect(yield* recorded(sql)).toEqual(all)
      expect(yield* sql`select count(*)::int as n from ran`).toEqual([{ n: 1 }])
    })
  )

  it.live("wait for whoever is migrating, and can be told to stop waiting", () =>
    Effect.gen(function* () {
      const { run, sql, url } = yield* fresh()
      const other = yield* (yield* connect(url)).reserve
      const lock = "4812007001"
      yield* other.execute(`select pg_advisory_lock(${lock}::bigint)`, [], undefined)
      const waiting = yield* Effect.forkChild(run(["engine"]))
      const impatient = yield* Effect.forkChild(run(["engine"]))
      yield* Effect.sleep(150)
      yield* Fiber.interrupt(impatient)
      expect(yield* sql`select to_regclass('hogsend.migrations') as found`).toEqual([{ found: null }])
      yield* other.execute(`select pg_advisory_unlock(${lock}::bigint)`, [], undefined)
      expect(yield* Fiber.join(waiting)).toEqual(engineTrackNames)
      expect(
        yield* sql`select count(*)::int as n from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`
      ).toEqual([{ n: 0 }])
    })
  )
})

describe("Drift", () => {
  it.live("is told by name and by content, in both directions, on both tracks", () =>
    Effect.gen(function* () {
      const one = { name: "0000_one", sql: "create table one (id int)" }
      const two = { name: "0001_two", sql: "create table two (id int)" }
      const { run, sql } = yield* fresh([one, two])
      yield* run(["engine", "client"])
      const [first = "", second = ""] = engineNames
      yield* sql`update hogsend.migrations set sha256 = 'another' where name = ${first}`
      yield* sql`update hogsend.migrations set name = '9999_Later' where name = ${second}`
      const older = yield* migrationsOn(sql, [
        { ...one, sql: "create table one (id bigint)" },
        { name: "0002_three", sql: "" }
      ])
      expect(yield* older.status).toEqual({
        engine: {
          applied: engineNames.length,
          required: engineNames.length,
          inSync: false,
          pending: [second],
          outOfOrder: [second],
          changed: [first],
          unknown: ["9999_Later"]
        },
        client: {
          applied: 2,
          required: 2,
          inSync: false,
          pending: ["0002_three"],
          outOfOrder: [],
          changed: ["0000_one"],
          unknown: ["0001_two"]
        }
      })
    })
  )

  it.live("of the tracks is told apart when names are equal", () =>
    Effect.gen(function* () {
      const name = engineNames[0] ?? ""
      const { run, sql, status } = yield* fresh([{ name, sql: "create table mine (id int)" }])
      yield* run(["engine"])
      expect((yield* status).client).toMatchObject({ applied: 0, pending: [name], changed: [] })
      yield* run(["client"])
      expect(yield* tableNames(sql)).toEqual(["mine"])
    })
  )

  it.live("of content refuses to go on, says which migration it is, and changes nothing", () =>
    Effect.gen(function* () {
      const one = { name: "0000_one", sql: "create table one (id int)" }
      const { run, sql } = yield* fresh([one])
      yield* run(["engine", "client"])
      const edited = yield* migrationsOn(sql, [
        { ...one, sql: `${one.sql} -- edited` },
        { name: "0001_two", sql: "create table two (id int)" }
      ])
      const failure = yield* Effect.flip(edited.run(["engine", "client"]))
      expect(failure).toMatchObject({ _tag: "MigrationFailed", migration: "client/0000_one" })
      expect(yield* tableNames(sql)).toEqual(["one"])
    })
  )

  it.live("of a migration that this version does not know stops nobody", () =>
    Effect.gen(function* () {
      const { run, sql, status } = yield* fresh()
      yield* run(["engine"])
      yield* sql`insert into hogsend.migrations (track, name, sha256) values ('engine', '9999_Later', 'x')`
      expect((yield* status).engine).toMatchObject({ inSync: false, pending: [], changed: [], unknown: ["9999_Later"] })
      expect(yield* run(["engine"])).toEqual([])
    })
  )
})

describe("A migration that fails", () => {
  it.live("leaves nothing of itself, keeps what was before it, says its line, and runs when it is mended", () =>
    Effect.gen(function* () {
      const before = { name: "0000_before", sql: "create table before (id int)" }
      const broken = { name: "0001_broken", sql: "create table half (id int);\n\n  insert into ürgs values (1);" }
      const { run, sql } = yield* fresh([before, broken])
      const failure = yield* Effect.flip(run(["engine", "client"]))
      expect(failure).toMatchObject({
        _tag: "MigrationFailed",
        migration: "client/0001_broken",
        error: expect.stringMatching(/"ürgs" does not exist \(line 3: insert into ürgs/)
      })
      expect(yield* tableNames(sql)).toEqual(["before"])
      expect(yield* recorded(sql)).toEqual([...engineTrackNames, "client/0000_before"])
      const mended = yield* migrationsOn(sql, [before, { ...broken, sql: "create table half (id int)" }])
      expect(yield* mended.run(["engine", "client"])).toEqual(["client/0001_broken"])
    })
  )

  it.live.each([
    ["a syntax error", "create table half (id int);\ncreate tabel x (id int)", /tabel.*\(line 2: create tabel x/],
    [
      "a part between Drizzle's marks, of data",
      "create table half (id int primary key);\n--> statement-breakpoint\ninsert into half values (1);--> statement-breakpoint\n\ninsert into half values (1);",
      /half_pkey.*\(line 5: insert into half/
    ],
    [
      "a constraint that is checked at the commit",
      "create table half (id int primary key deferrable initially deferred);\ninsert into half values (1), (1)",
      /half_pkey/
    ],
    ["a function's body", "create table half (id int);\ndo $$ begin\n  perform 1 / 0;\nend $$", /division by zero/],
    ["a transaction command", "create table half (id int); commit", /transaction/]
  ])("by %s says so and leaves nothing", ([, text, error]) =>
    Effect.gen(function* () {
      const { run, sql } = yield* fresh([{ name: "0000_broken", sql: text as string }])
      yield* run(["engine"])
      expect(yield* Effect.flip(run(["client"]))).toMatchObject({
        _tag: "MigrationFailed",
        migration: "client/0000_broken",
        error: expect.stringMatching(error as RegExp)
      })
      expect(yield* tableNames(sql)).toEqual([])
      expect(yield* recorded(sql)).toEqual(engineTrackNames)
    })
  )

  it.live("tells no row's values", () =>
    Effect.gen(function* () {
      const text = "create table people (email text);\ninsert into people values ('a@b.example'), ('a@b.example');"
      const unique = "create unique index people_email on people (email)"
      const { run } = yield* fresh([
        { name: "0000_people", sql: text },
        { name: "0001_unique", sql: unique }
      ])
      const failure = yield* Effect.flip(run(["engine", "client"]))
      expect(failure).toMatchObject({ migration: "client/0001_unique" })
      expect(JSON.stringify(failure)).not.toContain("a@b.example")
    })
  )

  it.live("for want of rights is a failure with a sentence, at the status and at the run", () =>
    Effect.gen(function* () {
      const { administer, database, run, status, url } = yield* fresh()
      const role = `role_${database}`
      yield* Effect.acquireRelease(administer(`create role ${role} login password 'secret'`), () =>
        administer(`drop role ${role}`)
      )
      const restricted = new URL(url)
      restricted.searchParams.set("user", role)
      restricted.searchParams.set("password", "secret")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const theirs = yield* migrationsOn(yield* connect(restricted.href))
          const refused = { _tag: "MigrationFailed", error: expect.stringContaining("permission denied") }
          expect(yield* Effect.flip(theirs.run(["engine"]))).toMatchObject(refused)
          yield* run(["engine"])
          expect(yield* Effect.flip(theirs.status)).toMatchObject(refused)
          expect((yield* status).engine.inSync).toBe(true)
        })
      )
    })
  )
})

describe("A migration's text", () => {
  it.live("may hold functions, strings and comments with whatever in them, and Drizzle's marks", () =>
    Effect.gen(function* () {
      const text = `
create table notes (id int primary key, body text default 'a;b''c');--> statement-breakpoint
-- a comment with a ' and a ; and $$
create function bump() returns trigger language plpgsql as $$
begin
  new.body := new.body || ';' || $q$it's$q$;
  return new;
end $$;
create trigger notes_bump before insert on notes for each row execute function bump();
--> statement-breakpoint
/* ; ' /* nested */ */
create function twice(n int) returns int language sql begin atomic select n * 2; end;
insert into notes (id) values (1); insert into notes (id, body) values (2, E'x\\';y "z" $1 :name %s');
do $outer$ begin execute $inner$insert into notes values (3, 'three')$inner$; end $outer$
`
      const { run, sql } = yield* fresh([{ name: "0000_notes", sql: text }])
      yield* run(["engine", "client"])
      expect(yield* sql`select body, twice(id) from notes order by id`).toEqual([
        { body: "a;b'c;it's", twice: 2 },
        { body: `x';y "z" $1 :name %s;it's`, twice: 4 },
        { body: "three;it's", twice: 6 }
      ])
    })
  )

  it.live("may ask to run outside of a transaction", () =>
    Effect.gen(function* () {
      const client = [
        { name: "0000_t", sql: "create table t (a int); insert into t values (1), (1)" },
        {
          name: "0001_index",
          sql: "\n-- no transaction: the table may be large\ncreate index concurrently t_a on t (a);"
        },
        { name: "0002_two", sql: "-- no transaction\ncreate table x (a int); create table y (a int)" }
      ]
      const { run, sql } = yield* fresh(client)
      const failure = yield* Effect.flip(run(["engine", "client"]))
      expect(failure).toMatchObject({
        migration: "client/0002_two",
        error: expect.stringContaining("multiple commands")
      })
      expect(yield* sql`select indisvalid from pg_index where indexrelid = 't_a'::regclass`).toEqual([
        { indisvalid: true }
      ])
      expect(yield* tableNames(sql)).toEqual(["t"])
      expect(yield* recorded(sql)).toEqual([...engineTrackNames, "client/0000_t", "client/0001_index"])
    })
  )

  it.live("is known by its SHA-256", () =>
    Effect.gen(function* () {
      const text = "create table a (id int) -- ünï"
      const { run, sql } = yield* fresh([{ name: "0000_a", sql: text }])
      yield* run(["engine", "client"])
      const rows = yield* sql<{ name: string; sha256: string }>`select name, sha256 from hogsend.migrations`
      for (const { name, sql } of [...engineMigrations, { name: "0000_a", sql: text }]) {
        expect(rows).toContainEqual({ name, sha256: createHash("sha256").update(sql).digest("hex") })
      }
    })
  )
})

describe("A client's names", () => {
  it.live("are the client's also when they are ours, for a role that is named like our schema", () =>
    Effect.gen(function* () {
      const client = [
        { name: "0000_contacts", sql: "create table contacts (a int); create table public.events (a int)" },
        { name: "0001_index", sql: "-- no transaction\ncreate index concurrently mine on events (a)" }
      ]
      const { run, sql } = yield* fresh(client)
      yield* run(["engine", "client"])
      expect(yield* tableNames(sql)).toEqual(["contacts", "events"])
      expect(yield* sql`select schemaname from pg_indexes where indexname = 'mine'`).toEqual([{ schemaname: "public" }])
      // The connections go back to the pool as they were.
      const paths = yield* Effect.all(
        Array.from({ length: 3 }, () => sql`select pg_sleep(0.05), current_setting('search_path') as path`),
        { concurrency: 3 }
      )
      expect(new Set(paths.flat().map(({ path }) => path))).toEqual(new Set(['"$user", public']))
    })
  )
})

describe("The engine's migrations", () => {
  it("are those of the folder, in order, under the names of their files", async () => {
    const folder = join(import.meta.dirname, "../../src/Migrations")
    const files = (await readdir(folder)).filter((file) => /^\d{4}_/.test(file)).toSorted()
    expect(files).toEqual(engineNames.map((name) => `${name}.ts`))
    for (const [index, { name, sql }] of engineMigrations.entries()) {
      expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, "0")}_[A-Z][A-Za-z]+$`))
      expect(await import(join(folder, `${name}.ts`))).toMatchObject({ sql })
    }
  })

  it.live("put nothing outside of the schema hogsend", () =>
    Effect.gen(function* () {
      const { run, sql } = yield* fresh()
      const elsewhere = sql`
        with ours as (select oid from pg_namespace where nspname = 'hogsend' or nspname like 'pg_toast%')
        select 'class' as kind, relname::text as name from pg_class where relnamespace not in (select oid from ours)
        union all select 'function', oid::regprocedure::text from pg_proc where pronamespace not in (select oid from ours)
        union all select 'type', typname from pg_type where typnamespace not in (select oid from ours)
        union all select 'operator', oprname from pg_operator where oprnamespace not in (select oid from ours)
        union all select 'schema', nspname from pg_namespace where oid not in (select oid from ours)
        union all select 'extension', extname from pg_extension
        union all select 'event trigger', evtname from pg_event_trigger
        union all select 'publication', pubname from pg_publication
        union all select 'cast', oid::text from pg_cast
        union all select 'setting', setconfig::text from pg_db_role_setting
          where setdatabase = (select oid from pg_database where datname = current_database())
        order by 1, 2`
      const before = yield* elsewhere
      yield* run(["engine"])
      expect(yield* elsewhere).toEqual(before)
      yield* sql`drop schema hogsend cascade`
      expect(yield* elsewhere).toEqual(before)
    })
  )
})

describe("A migration of ours behind a long transaction", () => {
  /** A database before the migration that alters `contacts`, and somebody who reads that table for a long time. */
  const behind = Effect.fnUntraced(function* (lockTimeout: number) {
    const { run: migrate, sql, url } = yield* fresh()
    yield* migrate(["engine"])
    yield* sql`drop function hogsend.waiting_contacts`
    yield* sql`drop table hogsend.data_keys, hogsend.tombstones, hogsend.erasures`
    yield* sql`alter table hogsend.contacts drop column erase_after, add column erased_at timestamptz`
    yield* sql`delete from hogsend.migrations where name = '0006_Erasures'`
    const reader = yield* connect(url)
    const backup = yield* Effect.provideService(
      openTransaction(reader`select 1 from hogsend.contacts`),
      PgClient.PgClient,
      reader
    )
    return { sql, backup, ...(yield* migrationsOn(yield* connect(url), [], lockTimeout)) }
  })

  it.live("steps back, so that nobody waits behind it, and goes on when its table is free", () =>
    Effect.gen(function* () {
      const { backup, run, sql } = yield* behind(50)
      const running = yield* Effect.forkChild(run(["engine"]))
      yield* Effect.provideService(somebodyWaits, PgClient.PgClient, sql)
      yield* Effect.timeout(sql`select 1 from hogsend.contacts`, 3000)
      yield* backup.commit
      expect(yield* Fiber.join(running)).toEqual(["engine/0006_Erasures"])
    })
  )

  it.live("gives up some time, and says why", () =>
    Effect.gen(function* () {
      const { backup, run, sql } = yield* behind(2)
      const failure = yield* Effect.flip(run(["engine"]))
      expect(failure).toMatchObject({ _tag: "MigrationFailed", migration: "engine/0006_Erasures" })
      expect(failure).toHaveProperty("error", expect.stringMatching(/holds one of its tables.*start again/))
      yield* backup.commit
      expect(yield* recorded(sql)).not.toContain("engine/0006_Erasures")
      expect(yield* run(["engine"])).toEqual(["engine/0006_Erasures"])
    })
  )
})
