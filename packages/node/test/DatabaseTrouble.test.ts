/**
 * Requests while the database is in trouble of every kind, and that all is well by itself after it. What must hold is
 * told in `underLoad`.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, it } from "@effect/vitest"
import { DatabaseProxy, TestDatabase, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Exit, Layer, Redacted, Schedule, Scope } from "effect"
import { existsSync } from "node:fs"
import { vi } from "vitest"
import { ownPostgres } from "./DatabaseTrouble/ownPostgres.ts"
import { type Load, manyRefusals, poolMax, serverOn, underLoad, until } from "./DatabaseTrouble/underLoad.ts"

// Slow machines.
vi.setConfig({ testTimeout: 60_000 })

/** A client of somebody else's. */
const another = (url: string, maxConnections = 1) =>
  Effect.map(
    Layer.build(PgClient.layer({ url: Redacted.make(url), maxConnections, applicationName: "another" })),
    Context.get(PgClient.PgClient)
  )

/** Somebody else's transaction, which has done this and then does nothing; answers what ends it. */
const holding = Effect.fnUntraced(function* (sql: PgClient.PgClient, statement: string) {
  const scope = yield* Scope.make()
  const connection = yield* Scope.provide(sql.reserve, scope)
  yield* connection.executeUnprepared("begin", [], undefined)
  yield* connection.executeUnprepared(statement, [], undefined)
  const end = Effect.orDie(connection.executeUnprepared("rollback", [], undefined))
  return Effect.andThen(end, Scope.close(scope, Exit.void))
}, Effect.orDie)

/** Requests can wait on every connection of the pool: it has lost none for good. */
const expectWholePool = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const { asServer } = yield* TestHogsend
  const release = yield* holding(sql, "lock table hogsend.contacts")
  const put = (n: number) => asServer("PUT", "/v1/contacts", { userId: `waits_${n}` })
  const crowd = Effect.forEach(
    Array.from({ length: 3 * poolMax }, (_, n) => n),
    put,
    { concurrency: "unbounded" }
  )
  const waiting = sql<{ n: number }>`
    select count(*)::int as n from pg_stat_activity
    where datname = current_database() and application_name = 'hogsend' and wait_event_type = 'Lock'`
  const full = until(Effect.orDie(Effect.map(waiting, ([row]) => row?.n === poolMax)))
  yield* Effect.raceFirst(full, Effect.forever(crowd))
  yield* release
})

/** Until nobody could have been spared. */
const seen = (load: Load) => load.next(503, manyRefusals)

describe("All is well after a database", () => {
  it.live("was stopped and started", () =>
    Effect.gen(function* () {
      const postgres = yield* ownPostgres(40)
      const trouble = (load: Load) => postgres.stop.pipe(Effect.andThen(seen(load)), Effect.andThen(postgres.start))
      yield* Effect.provide(underLoad(trouble), serverOn(postgres.url))
    })
  )

  it.live.skipIf(!existsSync("/proc/self"))("was frozen, so that it answered nothing and closed nothing", () =>
    Effect.gen(function* () {
      const postgres = yield* ownPostgres(40)
      const trouble = (load: Load) => postgres.freeze.pipe(Effect.andThen(seen(load)), Effect.andThen(postgres.thaw))
      yield* Effect.provide(underLoad(trouble), serverOn(postgres.url))
    })
  )

  it.live("was full of others, and ended our sessions", () =>
    Effect.gen(function* () {
      const postgres = yield* ownPostgres(15)
      const admin = yield* another(postgres.url)
      const terminate = admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hogsend'`
      const trouble = (load: Load) =>
        Effect.gen(function* () {
          const others = yield* another(postgres.url, 20)
          // Every place that becomes free is taken, and none given back before the end. Ours is ended until the crowd has it: a
          // server that keeps a single session can go on.
          const crowd = Effect.forEach(Array.from({ length: 20 }), () => Effect.ignore(others.reserve), {
            concurrency: "unbounded"
          })
          const round = Effect.andThen(Effect.orDie(terminate), crowd)
          yield* Effect.raceFirst(seen(load), Effect.forever(Effect.andThen(round, Effect.sleep("20 millis"))))
        }).pipe(Effect.scoped, Effect.orDie)
      yield* Effect.provide(underLoad(trouble), serverOn(postgres.url))
    })
  )

  it.live("terminated our sessions, again and again", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.create
      const admin = yield* another(url)
      const terminate = admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'hogsend'`
      const trouble = (load: Load) =>
        Effect.raceFirst(seen(load), Effect.orDie(Effect.repeat(terminate, Schedule.spaced("5 millis"))))
      yield* Effect.provide(underLoad(trouble), serverOn(url))
    })
  )

  it.live("hung, and went on where it was", () =>
    Effect.gen(function* () {
      const { hang, url } = yield* DatabaseProxy.create((yield* TestDatabase.create).url)
      const trouble = (load: Load) =>
        Effect.andThen(
          Effect.andThen(
            Effect.sync(() => hang(true)),
            seen(load)
          ),
          Effect.sync(() => hang(false))
        )
      yield* Effect.provide(underLoad(trouble), serverOn(url))
    })
  )

  it.live("was lost to every connection that there was, without a word", () =>
    Effect.gen(function* () {
      const database = yield* TestDatabase.create
      const { blackhole, url } = yield* DatabaseProxy.create(database.url)
      // New connections are served at once: the pool has to find out about its own.
      const trouble = (load: Load) =>
        Effect.andThen(
          Effect.sync(() => blackhole()),
          load.next(503, 1)
        )
      const wholePool = Effect.andThen(underLoad(trouble), expectWholePool(yield* another(database.url, 2)))
      yield* Effect.provide(wholePool, serverOn(url))
    })
  )

  it.live("was locked by somebody else, so that every connection of the pool waited", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.create
      const sql = yield* another(url)
      const trouble = (load: Load) =>
        Effect.flatMap(holding(sql, "lock table hogsend.contacts, hogsend.identity_keys"), (release) =>
          Effect.andThen(seen(load), release)
        )
      yield* Effect.provide(underLoad(trouble), serverOn(url))
    })
  )

  it.live.each([
    [
      "could only be read",
      ["alter database :name set default_transaction_read_only = on"],
      ["alter database :name reset default_transaction_read_only"]
    ],
    [
      "had no room on its disk",
      [
        `create function full_disk() returns trigger language plpgsql as $$
         begin raise exception using errcode = 'disk_full', message = 'No space left on device'; end $$`,
        "create trigger full_disk before insert on hogsend.events for each row execute function full_disk()"
      ],
      ["drop function full_disk() cascade"]
    ]
  ] as const)("%s", ([, begin, end]) =>
    Effect.gen(function* () {
      const { database, url } = yield* TestDatabase.create
      const admin = yield* another(url)
      const run = Effect.fnUntraced(function* (statements: ReadonlyArray<string>) {
        for (const statement of statements) yield* admin.unsafe(statement.replace(":name", database))
        // What a database is set to holds for the sessions that begin from now on.
        yield* admin`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'hogsend'`
      }, Effect.orDie)
      const trouble = (load: Load) => run(begin).pipe(Effect.andThen(seen(load)), Effect.andThen(run(end)))
      yield* Effect.provide(underLoad(trouble), serverOn(url))
    })
  )
})
