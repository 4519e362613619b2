/** How warnings are kept: in a bounded buffer, stored beside the requests, and never for whom was erased. */
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import type { Caller, ContactId, IngestionWarning } from "@hogsend/core"
import { recordLogs, TestDatabase, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Fiber, Layer } from "effect"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import { Contacts } from "../../src/Contacts.ts"
import { Erasures } from "../../src/Erasures.ts"
import { EventIngest } from "../../src/EventIngest.ts"
import { sql as migration } from "../../src/Migrations/0007_Warnings.ts"
import { Warnings, type WarningsOptions } from "../../src/Warnings.ts"
import { openTransaction } from "../openTransaction.ts"

const junk: IngestionWarning = { code: "junk_key", key: { kind: "external", value: "unde…" }, hint: "a hint" }
const about = { source: "api", contactId: null }
const admin = { name: "a test", keyId: null }

/** A process's own, until the scope closes. It stores nothing by itself. */
const aProcess = (options: WarningsOptions = {}) =>
  Effect.map(Layer.build(Warnings.layer({ interval: 3_600_000, ...options })), Context.get(Warnings))

/** Nothing is left of the test before. */
const clear = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql`truncate hogsend.warnings, hogsend.warning_counts, hogsend.contacts`
)

/** What is counted, by code and source. */
const counted = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ name: string; times: number }>`
    select code || ' ' || source as name, sum(times)::int as times from hogsend.warning_counts group by 1 order by 1`
  return Object.fromEntries(rows.map(({ name, times }) => [name, times]))
})

const exampleRows = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  return yield* sql<{ code: string; contactId: string | null }>`
    select code, contact_id as "contactId" from hogsend.warnings order by id`
})

const aContact = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ id: ContactId }>`
    insert into hogsend.contacts (id) values (gen_random_uuid()) returning id`
  return row?.id ?? assert.fail("no contact")
})

/** Until that many transactions wait for a lock. */
const waiting = (number: number) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.pipe(
      Effect.delay(5),
      Effect.repeat({ until: (rows) => rows.length >= number }),
      Effect.timeout(4000),
      Effect.orDie
    )
  )

/** What is said to the database. */
const recording = () => {
  const statements: Array<string> = []
  const transformer: Transformer = (statement) => {
    statements.push(statement.compile()[0])
    return Effect.succeed(statement)
  }
  return { statements, transformer }
}

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "30 seconds" })("Warnings", (it) => {
  it.effect("20,000 of one kind leave one count an hour and the newest 100 examples", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      const { flush, record } = yield* aProcess()
      for (let n = 0; n < 20_000; n++) {
        yield* record([{ ...junk, hint: `number ${n}` }], about)
        if (n % 200 === 199) yield* flush
      }
      assert.deepStrictEqual(yield* counted, { "junk_key api": 20_000 })
      const [rows] = yield* sql<{ counts: number; examples: number; oldest: string; newest: string }>`
        select (select count(*)::int from hogsend.warning_counts) as counts, count(*)::int as examples,
          (select hint from hogsend.warnings order by id limit 1) as oldest,
          (select hint from hogsend.warnings order by id desc limit 1) as newest
        from hogsend.warnings`
      assert.isAtMost(rows?.counts ?? 0, 2)
      assert.deepInclude(rows, { examples: 100, oldest: "number 16195", newest: "number 19999" })
    })
  )

  it.effect("as many examples are kept of each code as the option says, and those of other codes stay", () =>
    Effect.gen(function* () {
      yield* clear
      const { flush, record } = yield* aProcess({ examplesPerCode: 3 })
      yield* record([{ code: "unknown_field", hint: "stays" }], about)
      for (let n = 0; n < 3; n++) yield* Effect.andThen(record([junk, junk], about), flush)
      const codes = (yield* exampleRows).map(({ code }) => code).toSorted()
      assert.deepStrictEqual(codes, ["junk_key", "junk_key", "junk_key", "unknown_field"])
    })
  )

  it.effect("recording asks the database for nothing, and ends at once", () =>
    Effect.gen(function* () {
      yield* clear
      const { record } = yield* aProcess()
      const { statements, transformer } = recording()
      Effect.runSync(Effect.provideService(record([junk], about), CurrentTransformer, transformer))
      assert.deepStrictEqual(statements, [])
      assert.deepStrictEqual(yield* counted, {})
    })
  )

  it.effect("in a host app's own transaction they count when that commits, and not when it rolls back", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      const { flush, record } = yield* aProcess()
      yield* Effect.andThen(record([junk], about), Effect.fail("rolled back")).pipe(sql.withTransaction, Effect.exit)
      yield* flush
      assert.deepStrictEqual(yield* counted, {})
      yield* Effect.andThen(sql`select 1`, record([junk], about)).pipe(sql.withTransaction)
      yield* flush
      assert.deepStrictEqual(yield* counted, { "junk_key api": 1 })
    })
  )

  it.effect("go on being stored by themselves when a connection died in the middle", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      const { record } = yield* aProcess({ interval: 20 })
      const other = yield* openTransaction(sql`lock table hogsend.warning_counts in access exclusive mode`)
      yield* record([junk], about)
      yield* waiting(1)
      yield* sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      yield* record([junk], about)
      yield* other.commit
      yield* counted.pipe(Effect.repeat({ until: (counts) => counts["junk_key api"] === 2 }), Effect.timeout(4000))
    })
  )

  it.effect("are stored by themselves after the interval, again and again", () =>
    Effect.gen(function* () {
      yield* clear
      const { record } = yield* aProcess({ interval: 20 })
      for (const times of [1, 2, 3]) {
        yield* record([junk], about)
        yield* counted.pipe(
          Effect.repeat({ until: (counts) => counts["junk_key api"] === times }),
          Effect.timeout(4000)
        )
      }
    })
  )

  it.effect("are stored at the end of the process", () =>
    Effect.gen(function* () {
      yield* clear
      yield* Effect.scoped(Effect.flatMap(aProcess(), ({ record }) => record([junk], about)))
      assert.deepStrictEqual(yield* counted, { "junk_key api": 1 })
      assert.lengthOf(yield* exampleRows, 1)
    })
  )

  it.effect("do not hold the end of the process up when the database does not answer", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      const other = yield* openTransaction(sql`lock table hogsend.warning_counts in access exclusive mode`)
      yield* Effect.scoped(Effect.flatMap(aProcess(), ({ record }) => record([junk], about))).pipe(
        Effect.timeout("6 seconds")
      )
      yield* other.rollback
      assert.deepStrictEqual(yield* counted, {})
    })
  )

  it.effect("are kept while the database refuses them, within bounds, and said once a streak without a value", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      const { layer: logger, lines } = recordLogs()
      const { flush, record } = yield* aProcess()
      const stored = Effect.provide(flush, logger)
      for (const streak of [1, 2]) {
        yield* sql`alter table hogsend.warning_counts rename to elsewhere`
        for (let n = 0; n < 500; n++) {
          yield* record([junk, { code: "unknown_field", hint: "h" }], { ...about, source: n % 2 ? "api" : "inapp" })
          if (n % 100 === 0) yield* stored
        }
        yield* stored
        assert.lengthOf(lines, streak)
        yield* sql`alter table hogsend.elsewhere rename to warning_counts`
        yield* stored
        const half = 250 * streak
        assert.deepStrictEqual(yield* counted, {
          "junk_key api": half,
          "junk_key inapp": half,
          "unknown_field api": half,
          "unknown_field inapp": half
        })
        assert.lengthOf(yield* exampleRows, 10 * streak)
      }
      assert.notMatch(lines.join(), /unde|a hint/)
    })
  )

  it.effect("codes that somebody makes up do not fill the memory", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      const { flush, record } = yield* aProcess()
      for (let n = 0; n < 5000; n++) yield* record([{ ...junk, code: `made_up_${n}` }], about)
      yield* flush
      const [row] = yield* sql`select count(*)::int as counts from hogsend.warning_counts`
      assert.deepStrictEqual(row, { counts: 1000 })
      assert.lengthOf(yield* exampleRows, 1000)
    })
  )

  it.effect("of several processes that store at once are all counted, and no two wait for each other", () =>
    Effect.gen(function* () {
      yield* clear
      const { layer: logger, lines } = recordLogs()
      const codes = ["a", "b", "c", "d", "e"].map((end) => ({ ...junk, code: `code_${end}` }))
      const contacts = yield* Effect.forEach(codes, () => aContact)
      const processes = yield* Effect.forEach([1, 2, 3, 4], () => aProcess({ examplesPerCode: 10 }))
      yield* Effect.forEach(
        processes,
        ({ flush, record }, at) =>
          Effect.gen(function* () {
            for (let round = 0; round < 40; round++) {
              const shuffled = codes.map((_, n) => (n * (at + 1) + round) % codes.length)
              for (const n of at % 2 === 0 ? shuffled : shuffled.toReversed()) {
                const one = codes[n] ?? junk
                yield* record([one], { source: n % 2 ? "api" : "inapp", contactId: contacts[n] ?? null })
              }
              yield* flush
            }
          }),
        { concurrency: "unbounded" }
      ).pipe(Effect.provide(logger))
      assert.deepStrictEqual(lines, [])
      // What was left to another time, as somebody else was at its contact.
      for (const { flush } of processes) yield* flush
      const counts = yield* counted
      assert.deepStrictEqual(
        Object.entries(counts).map(([name, times]) => [name.slice(0, 6), times]),
        codes.map(({ code }) => [code, 160])
      )
      const examples = Map.groupBy(yield* exampleRows, ({ code }) => code)
      for (const { code } of codes) assert.lengthOf(examples.get(code) ?? [], 10)
    })
  )

  it.effect("are counted in the hour in which they came, by the database's clock, in UTC", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      yield* sql`
        insert into hogsend.warning_counts (code, source, hour, times, first_at, last_at)
        select 'junk_key', 'api', t, 1, t, t from (select date_trunc('hour', now(), 'UTC') - interval '3 days') as x (t)`
      const { flush, list, record } = yield* aProcess()
      yield* record([junk], about)
      yield* flush
      const rows = yield* sql<{ isHour: boolean; times: string }>`
        select hour = date_trunc('hour', last_at, 'UTC') as "isHour", times::text from hogsend.warning_counts`
      assert.deepStrictEqual(rows, [
        { isHour: true, times: "1" },
        { isHour: true, times: "1" }
      ])
      const { warnings } = yield* list({ limit: 50, offset: 0 }, undefined)
      assert.strictEqual(warnings[0]?.total, 2)
      const days = ((warnings[0]?.lastAt.getTime() ?? 0) - (warnings[0]?.firstAt.getTime() ?? 0)) / 86_400_000
      assert.isTrue(days >= 3 && days < 3.1)
    })
  )

  it.effect("keep when the first of an hour came, and have when the last did", () =>
    Effect.gen(function* () {
      yield* clear
      const { flush, list, record } = yield* aProcess()
      const times = Effect.map(list({ limit: 50, offset: 0 }, undefined), ({ warnings }) => [
        warnings[0]?.firstAt.getTime() ?? 0,
        warnings[0]?.lastAt.getTime() ?? 0
      ])
      yield* record([junk], about)
      yield* flush
      const [first = 0, last = 0] = yield* times
      yield* Effect.sleep(5)
      yield* record([junk], about)
      yield* flush
      const [still = 0, later = 0] = yield* times
      assert.strictEqual(still, first)
      assert.isAbove(later, last)
    })
  )

  it.effect("what an earlier version kept row by row is counted by the migration", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      yield* sql`drop table hogsend.warning_counts`
      yield* sql`
        insert into hogsend.warnings (id, code, hint, source, occurred_at)
        select gen_random_uuid(), 'junk_key', '', source, timestamptz '2026-01-01 10:59Z' + n * interval '1 minute'
        from generate_series(0, 2) n, unnest('{api,null}'::text[]) source`
      for (const statement of migration.split(";\n").filter((text) => text.trim() !== "")) yield* sql.unsafe(statement)
      const rows = yield* sql`
        select source, times::int, extract(hour from hour at time zone 'UTC')::int as hour,
          extract(minute from last_at)::int as last
        from hogsend.warning_counts order by hour`
      assert.deepStrictEqual(rows, [
        { source: "api", times: 2, hour: 10, last: 59 },
        { source: "api", times: 4, hour: 11, last: 1 }
      ])
    })
  )

  it.effect("a contact that somebody else is at is not waited for: its example comes the next time", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* clear
      const [busy, free] = [yield* aContact, yield* aContact]
      const { flush, record } = yield* aProcess()
      const other = yield* openTransaction(sql`select from hogsend.contacts where id = ${busy} for no key update`)
      for (const contactId of [busy, free]) yield* record([junk], { ...about, contactId })
      yield* Effect.timeout(flush, 3000)
      assert.deepStrictEqual(yield* counted, { "junk_key api": 2 })
      assert.deepStrictEqual(yield* exampleRows, [{ code: "junk_key", contactId: free }])
      yield* other.commit
      yield* flush
      assert.deepStrictEqual(yield* counted, { "junk_key api": 2 })
      assert.sameDeepMembers(
        [...(yield* exampleRows)],
        [
          { code: "junk_key", contactId: free },
          { code: "junk_key", contactId: busy }
        ]
      )
    })
  )
})

layer(TestHogsend.layer({ warnings: { interval: 3_600_000 } }), { excludeTestServices: true, timeout: "30 seconds" })(
  "Warnings of whom is erased",
  (it) => {
    const server: Caller["Service"] = { keyId: null, name: "a test", scopes: ["full-admin"], restricted: false }

    const warned = Effect.fnUntraced(function* (userId: string) {
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("PUT", "/v1/contacts", { userId, email: "undefined" })
      return body.id as ContactId
    })

    it.effect("an event asks the database for nothing on their account", () =>
      Effect.gen(function* () {
        const ingest = yield* EventIngest
        const { statements, transformer } = recording()
        const answer = yield* ingest
          .ingest(server, { name: "n", userId: "u_hot", email: "undefined" }, { userTokens: [] })
          .pipe(Effect.provideService(CurrentTransformer, transformer))
        assert.lengthOf(answer.warnings ?? [], 1)
        assert.isTrue(statements.some((text) => text.includes("hogsend.events")))
        assert.deepStrictEqual(
          statements.filter((text) => text.includes("hogsend.warning")),
          []
        )
      })
    )

    it.effect("examples go with the contact, and the counts stay", () =>
      Effect.gen(function* () {
        const erasures = yield* Erasures
        const { flush } = yield* Warnings
        yield* flush
        yield* clear
        const id = yield* warned("u_stored")
        yield* flush
        assert.deepStrictEqual(yield* exampleRows, [{ code: "junk_key", contactId: id }])
        yield* erasures.erase(id, admin)
        assert.deepStrictEqual(yield* exampleRows, [])
        assert.deepStrictEqual(yield* counted, { "junk_key api": 1 })
      })
    )

    it.effect("what was not stored yet at the erasure is dropped, also under the id of whom the contact absorbed", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const contacts = yield* Contacts
        const erasures = yield* Erasures
        const { flush } = yield* Warnings
        yield* flush
        yield* clear
        const absorbed = (yield* asServer("PUT", "/v1/contacts", { anonymousId: "a_late", email: "undefined" })).body.id
        const id = yield* warned("u_late")
        yield* asServer("PUT", "/v1/contacts", { userId: "u_late", anonymousId: "a_late" })
        const stays = yield* warned("u_stays")
        assert.strictEqual(yield* Effect.map(contacts.get(absorbed), (contact) => contact.id), id)
        yield* erasures.erase(id, admin)
        yield* flush
        assert.deepStrictEqual(yield* exampleRows, [{ code: "junk_key", contactId: stays }])
        assert.deepStrictEqual(yield* counted, { "junk_key api": 3 })
      })
    )

    it.effect("what is stored under the id of whom a contact absorbed goes with that contact", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const erasures = yield* Erasures
        const { flush } = yield* Warnings
        yield* flush
        yield* clear
        const absorbed = (yield* asServer("PUT", "/v1/contacts", { anonymousId: "a_gone", email: "undefined" })).body.id
        const { id } = (yield* asServer("PUT", "/v1/contacts", { userId: "u_gone" })).body
        yield* asServer("PUT", "/v1/contacts", { userId: "u_gone", anonymousId: "a_gone" })
        yield* flush
        assert.deepStrictEqual(yield* exampleRows, [{ code: "junk_key", contactId: absorbed }])
        yield* erasures.erase(id, admin)
        assert.deepStrictEqual(yield* exampleRows, [])
      })
    )

    it.effect("an erasure waits for who is storing an example of its contact, and takes it along", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const erasures = yield* Erasures
        const { flush } = yield* Warnings
        yield* flush
        yield* clear
        const id = yield* warned("u_racing")
        // Stops the storing after it has the contact and before it has the example.
        const other = yield* openTransaction(sql`lock table hogsend.warning_counts in access exclusive mode`)
        const storing = yield* Effect.forkChild(flush)
        yield* waiting(1)
        const erasing = yield* Effect.forkChild(erasures.erase(id, admin))
        yield* waiting(2)
        yield* other.commit
        yield* Fiber.join(storing)
        yield* Fiber.join(erasing)
        assert.deepStrictEqual(yield* exampleRows, [])
      })
    )
  }
)
