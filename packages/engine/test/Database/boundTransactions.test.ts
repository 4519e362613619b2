/**
 * Transactions on a database that stops to answer in the middle of them: they end, and the session that they were in is
 * nobody else's. The pool has one connection, so whoever comes next gets that one or a new one.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it } from "@effect/vitest"
import { DatabaseProxy, TestDatabase } from "@hogsend/testing"
import { Context, Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import { TransactionConnection } from "effect/sql/SqlClient"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { Database, withTimeout } from "../../src/Database.ts"
import { boundTransactions } from "../../src/Database/boundTransactions.ts"
import { vi } from "vitest"

// The driver waits five seconds for a statement that it cancelled.
vi.setConfig({ testTimeout: 60_000 })

const connect = (url: string) =>
  Effect.map(
    Layer.build(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })),
    Context.get(PgClient.PgClient)
  )

const setUp = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  const proxy = yield* DatabaseProxy.create(url)
  const direct = yield* connect(url)
  yield* direct`create table notes (text text)`
  const sql = boundTransactions(yield* connect(proxy.url))
  yield* sql`select 1`
  const hang = Effect.sync(() => proxy.hang(true))
  /** Whoever comes next has a session of which nothing is left, and nobody holds one open. */
  const expectClean = Effect.gen(function* () {
    proxy.hang(false)
    yield* sql.withTransaction(sql`insert into notes values ('next')`)
    expect(yield* sql`select pg_current_xact_id_if_assigned() is null as clean`).toEqual([{ clean: true }])
    yield* direct`
      select 1 from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`.pipe(
      Effect.repeat({ until: (open) => open.length === 0, schedule: Schedule.spaced("10 millis") })
    )
    return (yield* direct<{ text: string }>`select text from notes order by text`).map(({ text }) => text)
  })
  return { sql, hang, expectClean, note: sql`insert into notes values ('first')` }
})

const expectLate = Effect.fnUntraced(function* (self: Effect.Effect<unknown, unknown>) {
  const failure = yield* Effect.flip(self)
  expect(failure).toBeInstanceOf(SqlError)
  expect(failure).toMatchObject({ reason: { _tag: "StatementTimeoutError" } })
})

describe.concurrent("A transaction ends, and leaves its session to nobody, when the database hangs", () => {
  // What is interrupted, and what cannot be.
  it.live.each(["withTimeout", "by itself"] as const)("at its begin, %s", (how) =>
    Effect.gen(function* () {
      const { expectClean, hang, note, sql } = yield* setUp
      yield* hang
      const transaction = sql.withTransaction(note)
      yield* expectLate(how === "withTimeout" ? withTimeout(transaction) : transaction)
      expect(yield* expectClean).toEqual(["next"])
    }).pipe(Effect.provide(Database.timeouts({ timeout: 200 })))
  )

  it.live("at a statement in it", () =>
    Effect.gen(function* () {
      const { expectClean, hang, note, sql } = yield* setUp
      yield* expectLate(withTimeout(sql.withTransaction(note.pipe(Effect.andThen(hang), Effect.andThen(note)))))
      expect(yield* expectClean).toEqual(["next"])
    }).pipe(Effect.provide(Database.timeouts({ timeout: 200 })))
  )

  it.live("at its commit, which may have been done", () =>
    Effect.gen(function* () {
      const { expectClean, hang, note, sql } = yield* setUp
      yield* expectLate(sql.withTransaction(Effect.andThen(note, hang)))
      expect(yield* expectClean).toEqual(expect.toBeOneOf([["next"], ["first", "next"]]))
    }).pipe(Effect.provide(Database.timeouts({ timeout: 200 })))
  )

  it.live("at its rollback, and fails with what it failed with", () =>
    Effect.gen(function* () {
      const { expectClean, hang, note, sql } = yield* setUp
      const transaction = sql.withTransaction(note.pipe(Effect.andThen(hang), Effect.andThen(Effect.fail("Moved"))))
      expect(yield* Effect.flip(transaction)).toBe("Moved")
      expect(yield* expectClean).toEqual(["next"])
    }).pipe(Effect.provide(Database.timeouts({ timeout: 200 })))
  )
})

describe("A transaction", () => {
  it.live("whose statement is late and not the database is cancelled, and rolled back", () =>
    Effect.gen(function* () {
      const { expectClean, note, sql } = yield* setUp
      yield* expectLate(withTimeout(sql.withTransaction(Effect.andThen(note, sql`select pg_sleep(100)`))))
      expect(yield* expectClean).toEqual(["next"])
    }).pipe(Effect.provide(Database.timeouts({ timeout: 200 })))
  )

  it.live("whose session is terminated fails with that, not with its rollback", () =>
    Effect.gen(function* () {
      const { expectClean, note, sql } = yield* setUp
      const ends = sql`select pg_terminate_backend(pg_backend_pid())`
      for (const transaction of [Effect.andThen(note, ends), Effect.andThen(note, sql.withTransaction(ends))]) {
        expect(yield* Effect.flip(sql.withTransaction(transaction))).toBeInstanceOf(SqlError)
      }
      expect(yield* expectClean).toEqual(["next"])
    })
  )

  it.live("commits, rolls back and nests as the driver's own do", () =>
    Effect.gen(function* () {
      const { expectClean, note, sql } = yield* setUp
      const told: Array<string> = []
      const tell = (what: string) => sql.afterCommit(Effect.sync(() => told.push(what)))
      const inner = sql.withTransaction(Effect.andThen(sql`insert into notes values ('undone')`, Effect.fail("inner")))
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* note
          yield* tell("committed")
          expect(yield* Effect.flip(inner)).toBe("inner")
          expect(told).toEqual([])
        })
      )
      yield* Effect.flip(sql.withTransaction(note.pipe(Effect.andThen(tell("not")), Effect.andThen(Effect.fail("no")))))
      expect(told).toEqual(["committed"])
      // A statement failed, and nobody looked: that is no commit.
      expect(yield* Effect.flip(sql.withTransaction(Effect.ignore(sql`select * from nowhere`)))).toBeInstanceOf(
        SqlError
      )
      expect(yield* expectClean).toEqual(["first", "next"])
    })
  )
})

describe("The session of a transaction", () => {
  /** A client whose one session never answers `hangs` and refuses `fails`, and whether that session was given up. */
  const stub = ({ fails, hangs }: { readonly hangs?: string; readonly fails?: string }) => {
    const given = { up: false }
    const refused = new SqlError({ reason: new UnknownError({ cause: "57014", operation: "query" }) })
    const connection = {
      executeRaw: (statement: string) =>
        statement === hangs ? Effect.never : statement === fails ? Effect.fail(refused) : Effect.succeed({}),
      connection: { interrupt: Effect.sync(() => (given.up = true)) }
    }
    const client = { reserve: Effect.succeed(connection), transactionService: TransactionConnection(-1) }
    return { given, sql: boundTransactions(Object.assign(() => undefined, client) as unknown as PgClient.PgClient) }
  }

  it.effect.each([
    ["is given up when its begin is late", { hangs: "BEGIN" }, Effect.void, true],
    ["is given up when its commit is late", { hangs: "COMMIT" }, Effect.void, true],
    ["is given up when its rollback is late", { hangs: "ROLLBACK" }, Effect.fail("no"), true],
    ["is given up when its rollback is refused", { fails: "ROLLBACK" }, Effect.fail("no"), true],
    ["is kept when it was committed", {}, Effect.void, false],
    ["is kept when it was rolled back", {}, Effect.fail("no"), false],
    ["is kept when its commit is refused, which ends it", { fails: "COMMIT" }, Effect.void, false]
  ] as const)("%s", ([, trouble, work, up]) =>
    Effect.gen(function* () {
      const { given, sql } = stub(trouble)
      const fiber = yield* Effect.forkChild(sql.withTransaction(work), { startImmediately: true })
      yield* TestClock.adjust(200)
      yield* Fiber.await(fiber)
      expect(given.up).toBe(up)
    }).pipe(Effect.provide(Database.timeouts({ timeout: 200 })))
  )
})
