/** What a host's migrations may do and may not: to the session, to our schema, to the record; and files that were moved about. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, engineTrackNames, migrated, migrationsOn, recorded, tableNames } from "./tracks.ts"

const one = { name: "0000_one", sql: "create table one (id int)" }
const two = { name: "0001_two", sql: "create table two (id int)" }
const three = { name: "0002_three", sql: "create table three (id int)" }

describe("What a host's text sets of its session", () => {
  const settings = "set search_path = elsewhere; set statement_timeout = 12345; set default_transaction_read_only = on"

  it.live.each([
    ["in a transaction", (role: string) => `create schema elsewhere; ${settings}; set role ${role}`],
    ["for its transaction only", () => `create schema elsewhere; ${settings.replaceAll("set ", "set local ")}`],
    [
      "outside of one",
      (role: string) =>
        `-- no transaction\ndo $$ begin create schema elsewhere; ${settings}; set role ${role}; end $$ -- it lasts`
    ]
  ] as const)("%s ends with it", ([, text]) =>
    Effect.gen(function* () {
      const { database, sql, url } = yield* migrated()
      const role = `role_${database}`
      yield* Effect.acquireRelease(
        sql.unsafe(`do $$ begin create role ${role}; grant ${role} to current_user; end $$`),
        () => Effect.ignore(sql.unsafe(`drop role ${role}`))
      )
      const { run } = yield* migrationsOn(sql, [
        { name: "0000_sets", sql: text(role) },
        { name: "0001_next", sql: "create table next (id int)" },
        { name: "0002_index", sql: "create index concurrently next_id on next (id)" }
      ])
      expect(yield* run(["engine", "client"])).toContain("client/0002_index")
      expect(yield* tableNames(sql)).toEqual(["next"])
      const session = (client: typeof sql) => client`
        select pg_sleep(0.05), current_user as role, current_setting('search_path') as path,
          current_setting('statement_timeout') as timeout, current_setting('default_transaction_read_only') as reads`
      const untouched = yield* session(yield* connect(url))
      const pooled = yield* Effect.all(
        Array.from({ length: 3 }, () => session(sql)),
        { concurrency: 3 }
      )
      for (const rows of pooled) expect(rows).toEqual(untouched)
    })
  )

  it.live("is no transaction that stays open", () =>
    Effect.gen(function* () {
      const { run, sql } = yield* migrated([
        one,
        { name: "0001_begins", sql: "-- no transaction\nbegin" },
        { name: "0002_index", sql: "create index concurrently one_id on one (id)" }
      ])
      expect(yield* run(["engine", "client"])).toContain("client/0002_index")
      expect(
        yield* sql`select pid from pg_stat_activity where datname = current_database() and state like 'idle in %'`
      ).toEqual([])
    })
  )
})

const changesOfOurs = [
  "drop schema hogsend cascade",
  "delete from hogsend.migrations where name like '0001%'",
  "insert into hogsend.migrations (track, name, sha256) values ('client', '0002_three', '')",
  "drop table hogsend.migrations",
  "alter table hogsend.contacts add column mine int",
  "alter table hogsend.contacts alter column properties drop not null",
  "create table hogsend.mine (id int)",
  "create index on hogsend.events (name)",
  "create or replace function hogsend.now() returns timestamptz language sql as 'select timestamptz ''epoch'''",
  "create table orders (contact uuid references hogsend.contacts)",
  "create view people as select id from hogsend.contacts",
  "create function f() returns trigger language plpgsql as 'begin return null; end'; create trigger t before delete on hogsend.contacts for each row execute function f()"
]

describe("Our schema", () => {
  it.live("is not for a host's text to change, or to hang something on, and nothing of such a text stays", () =>
    Effect.gen(function* () {
      const { run, sql } = yield* migrated([one])
      yield* run(["client"])
      for (const text of changesOfOurs) {
        const theirs = { name: "0001_theirs", sql: `create table half (id int); ${text}` }
        const { run, status } = yield* migrationsOn(sql, [one, theirs])
        expect([text, yield* Effect.flip(run(["client"]))]).toMatchObject([
          text,
          {
            _tag: "MigrationFailed",
            migration: "client/0001_theirs",
            error: expect.stringMatching(/schema hogsend.*by contact key/)
          }
        ])
        expect((yield* status).engine.inSync).toBe(true)
      }
      expect(yield* tableNames(sql)).toEqual(["one"])
      expect(yield* recorded(sql)).toEqual([...engineTrackNames, "client/0000_one"])
    })
  )

  it.live("is not for a text to change that runs outside of a transaction: it is not recorded", () =>
    Effect.gen(function* () {
      const index = { name: "0000_index", sql: "create index concurrently mine on hogsend.events (name)" }
      const { run, sql } = yield* migrated([index])
      expect(yield* Effect.flip(run(["engine", "client"]))).toMatchObject({
        migration: "client/0000_index",
        error: expect.stringContaining("schema hogsend")
      })
      expect(yield* recorded(sql)).toEqual(engineTrackNames)
    })
  )

  it.live("may be read, and its functions called", () =>
    Effect.gen(function* () {
      const { run } = yield* migrated([
        { name: "0000_copy", sql: "create table copy as select id, hogsend.now() as at from hogsend.contacts" }
      ])
      expect(yield* run(["engine", "client"])).toContain("client/0000_copy")
    })
  )
})

describe("An index that is built concurrently", () => {
  it.live("runs as Drizzle writes it, alone in its file", () =>
    Effect.gen(function* () {
      const { run, sql } = yield* migrated([
        one,
        { name: "0001_i", sql: 'CREATE INDEX CONCURRENTLY "i" ON "one" ("id");' }
      ])
      yield* run(["engine", "client"])
      expect(yield* sql`select indisvalid from pg_index where indexrelid = 'i'::regclass`).toEqual([
        { indisvalid: true }
      ])
    })
  )

  it.live.each([
    [
      "among other statements",
      "create table half (id int);\n--> statement-breakpoint\ncreate index concurrently i on one (id)",
      /\(line 3: create index.*; put that statement alone into a migration that begins with "-- no transaction"/
    ],
    [
      "with another one",
      "create index concurrently i on one (id);--> statement-breakpoint\ncreate index concurrently j on one (id)",
      /put the others into migrations of their own/
    ],
    [
      "and fails",
      "create unique index concurrently i on one (id)",
      /could not create unique index.*drop the invalid index that it may have left/
    ]
  ] as const)("%s is refused with what to do", ([, text, error]) =>
    Effect.gen(function* () {
      const { run, sql } = yield* migrated([
        { ...one, sql: `${one.sql}; insert into one values (1), (1)` },
        { ...two, sql: text }
      ])
      expect(yield* Effect.flip(run(["engine", "client"]))).toMatchObject({ error: expect.stringMatching(error) })
      expect(yield* tableNames(sql)).toEqual(["one"])
      expect(yield* recorded(sql)).toEqual([...engineTrackNames, "client/0000_one"])
    })
  )
})

describe("A host's folder that does not fit", () => {
  it.live.each(["", "-- Custom SQL migration file, put your code below! --"])(
    "is refused for an empty migration, which stays pending: %j",
    (text) =>
      Effect.gen(function* () {
        const { run, sql, status } = yield* migrated([one, { ...two, sql: text }])
        expect(yield* Effect.flip(run(["engine", "client"]))).toMatchObject({
          migration: "client/0001_two",
          error: expect.stringContaining("no statement")
        })
        expect((yield* status).client).toMatchObject({ applied: 1, pending: ["0001_two"] })
        const { run: again } = yield* migrationsOn(sql, [one, two])
        expect(yield* again(["client"])).toEqual(["client/0001_two"])
      })
  )

  it.live("is refused before anything ran when two migrations have one name", () =>
    Effect.gen(function* () {
      const { run, sql } = yield* migrated([one, two, { ...two, name: one.name }])
      expect(yield* Effect.flip(run(["engine", "client"]))).toMatchObject({
        migration: "client/0000_one",
        error: expect.stringContaining("two migrations")
      })
      expect(yield* tableNames(sql)).toEqual([])
    })
  )
})

describe("A host's migration that comes late", () => {
  it.live("is shown as out of order, and applied", () =>
    Effect.gen(function* () {
      const { run, sql } = yield* migrated([one, three])
      yield* run(["engine", "client"])
      const merged = yield* migrationsOn(sql, [one, two, three])
      const before = (yield* merged.status).client
      expect(before).toMatchObject({ inSync: false, pending: ["0001_two"], outOfOrder: ["0001_two"], unknown: [] })
      expect(yield* merged.report(["engine", "client"])).toEqual({
        applied: ["client/0001_two"],
        outOfOrder: ["client/0001_two"],
        renamed: [],
        unknown: []
      })
      expect((yield* merged.status).client).toMatchObject({ inSync: true, pending: [], outOfOrder: [] })
      expect(yield* tableNames(sql)).toEqual(["one", "three", "two"])
    })
  )
})

describe("A host's migration that is gone", () => {
  it.live("is shown by the status and by every run, and stops nobody", () =>
    Effect.gen(function* () {
      const { run, sql } = yield* migrated([one, two])
      yield* run(["engine", "client"])
      const without = yield* migrationsOn(sql, [one, three])
      for (const applied of [["client/0002_three"], []]) {
        const report = yield* without.report(["engine", "client"])
        expect(report).toEqual({ applied, outOfOrder: [], renamed: [], unknown: ["client/0001_two"] })
        expect((yield* without.status).client).toMatchObject({ inSync: false, unknown: ["0001_two"] })
      }
    })
  )

  it.live(
    "under one name, and there under another with the same content, is renamed in the record and not run again",
    () =>
      Effect.gen(function* () {
        const twin = { ...one, name: "0009_twin", sql: "insert into one values (1)" }
        const before = [one, twin, { ...twin, name: "0010_twin" }]
        const { run, sql } = yield* migrated(before)
        yield* run(["engine", "client"])
        const after = before.map(({ name, sql }) => ({ name: name.replace("00", "202612240000"), sql }))
        const renamed = yield* migrationsOn(sql, [...after, two])
        expect((yield* renamed.status).client).toMatchObject({ inSync: false, unknown: before.map(({ name }) => name) })
        expect(yield* renamed.report(["client"])).toEqual({
          applied: ["client/0001_two"],
          outOfOrder: [],
          renamed: before.map(({ name }, index) => ({ from: `client/${name}`, to: `client/${after[index]?.name}` })),
          unknown: []
        })
        expect(yield* sql`select count(*)::int as n from one`).toEqual([{ n: 2 }])
        expect((yield* renamed.status).client).toMatchObject({ inSync: true, applied: 4 })
      })
  )
})
