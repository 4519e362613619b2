/** What is not meant to be kept for ever is kept to its age. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Housekeeping } from "../../src/Housekeeping.ts"
import { openTransaction } from "../openTransaction.ts"

const Tidy = Layer.provideMerge(Housekeeping.layer({ batchSize: 10 }), TestDatabase.layer)

layer(Tidy, { excludeTestServices: true, timeout: "30 seconds" })("Housekeeping", (it) => {
  it.effect("deletes what is over its age by the database's clock, over several batches, and nothing else", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { tidy } = yield* Housekeeping
      yield* sql`
        insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id, created_at)
        select 'server', n::text, '', gen_random_uuid(), now() - make_interval(days => n) + interval '1 minute' from generate_series(1, 60) n`
      yield* sql`
        insert into hogsend.warnings (id, code, hint, occurred_at)
        select gen_random_uuid(), 'junk_key', '', now() - make_interval(days => n) + interval '1 minute' from generate_series(1, 60) n`
      yield* sql`
        insert into hogsend.warning_counts (code, source, hour, times, first_at, last_at)
        select 'junk_key', 'api', now() - make_interval(days => n) + interval '1 minute', 1, now(), now() from generate_series(1, 60) n`
      expect(yield* tidy).toMatchObject({ idempotency_keys: 25, warnings: 30, warning_counts: 30, audit_logs: 0 })
      expect(yield* tidy).toMatchObject({ idempotency_keys: 0, warnings: 0, warning_counts: 0, audit_logs: 0 })

      yield* sql.unsafe(
        "create or replace function hogsend.now() returns timestamptz language sql stable as 'select pg_catalog.now() + interval ''10 days'''"
      )
      expect(yield* tidy).toMatchObject({ idempotency_keys: 10, warnings: 10, warning_counts: 10 })
      const [left] = yield* sql<{ rows: number }>`select count(*)::int as rows from hogsend.idempotency_keys`
      expect(left?.rows).toBe(25)
    })
  )
})

/** An audit log of rows that are this many days old, and nothing else. */
const auditAged = Effect.fnUntraced(function* (days: ReadonlyArray<number>) {
  const sql = yield* PgClient.PgClient
  yield* sql`truncate hogsend.audit_logs`
  yield* sql`
    insert into hogsend.audit_logs (id, actor, action, resource, occurred_at)
    select gen_random_uuid(), 'a test', 'tests.age', d::text, now() - make_interval(days => d)
    from unnest(${days}::int[]) d`
})

const agesLeft = Effect.flatMap(PgClient.PgClient, (sql) =>
  Effect.map(sql<{ resource: string }>`select resource from hogsend.audit_logs`, (rows) =>
    rows.map(({ resource }) => Number(resource)).toSorted((a, b) => a - b)
  )
)

const untilLeft = (days: ReadonlyArray<number>) =>
  Effect.repeat(agesLeft, { until: (left) => left.join() === days.join() })

layer(TestDatabase.layer, { excludeTestServices: true })("Housekeeping by itself", (it) => {
  it.effect("keeps audit rows for 400 days, idempotency keys for 35, warnings and their counts for 30", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { tidy } = yield* Housekeeping
      yield* auditAged([401, 399])
      yield* sql`
        insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id, created_at)
        select 'server', d::text, '', gen_random_uuid(), now() - make_interval(days => d) from unnest('{34,36}'::int[]) d`
      yield* sql`
        insert into hogsend.warnings (id, code, hint, occurred_at)
        select gen_random_uuid(), 'junk_key', '', now() - make_interval(days => d) from unnest('{29,31}'::int[]) d`
      yield* sql`
        insert into hogsend.warning_counts (code, source, hour, times, first_at, last_at)
        select 'junk_key', 'api', now() - make_interval(days => d), 1, now(), now() from unnest('{29,31}'::int[]) d`
      expect(yield* tidy).toMatchObject({ idempotency_keys: 1, warnings: 1, warning_counts: 1, audit_logs: 1 })
      expect(yield* agesLeft).toEqual([399])
    }).pipe(Effect.provide(Housekeeping.layer()))
  )

  it.effect("runs at its interval, again and again", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 3; round++) {
        yield* auditAged([500, 399])
        yield* untilLeft([399])
      }
    }).pipe(Effect.provide(Housekeeping.layer({ interval: 10 })), Effect.timeout(5000))
  )

  it.effect("a batch leaves out rows that somebody else is at, and does not wait for them", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { tidy } = yield* Housekeeping
      yield* auditAged([600, 601])
      const other = yield* openTransaction(
        sql`select from hogsend.audit_logs where occurred_at < now() - interval '600.5 days' for update`
      )
      expect(yield* Effect.timeout(tidy, 3000)).toMatchObject({ audit_logs: 1 })
      expect(yield* agesLeft).toEqual([601])
      yield* other.commit
      expect(yield* tidy).toMatchObject({ audit_logs: 1 })
    }).pipe(Effect.provide(Housekeeping.layer()))
  )
})

/** Messages of an age in days; with a status, each has a delivery, which ended when it happened or is pending. */
const tellAged = Effect.fnUntraced(function* (days: ReadonlyArray<number>, status?: "pending" | "delivered" | "dead") {
  const sql = yield* PgClient.PgClient
  yield* sql`
    insert into hogsend.endpoints (id, kind, event_types, ordering)
    values ('00000000-0000-7000-8000-000000000001', 'webhook', '{}', 'none') on conflict do nothing`
  yield* sql`
    with message as (
      insert into hogsend.outbound_messages (id, type, body, occurred_at)
      select gen_random_uuid(), 'contact.created', '{}', now() - make_interval(days => d) from unnest(${days}::int[]) d
      returning id, occurred_at
    ),
    delivery as (
      insert into hogsend.deliveries (id, endpoint_id, message_id, status, finished_at)
      select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', id, ${status ?? ""},
        case when ${status ?? ""} <> 'pending' then occurred_at end
      from message where ${status ?? ""} <> '' returning id
    )
    insert into hogsend.delivery_attempts (delivery_id, number, started_at, duration_ms) select id, 1, now(), 1 from delivery`
})

layer(TestDatabase.layer, { excludeTestServices: true })("Housekeeping of deliveries", (it) => {
  it.effect(
    "deletes messages 30 days after the last of their deliveries ended, and deliveries and attempts with them",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const { tidy } = yield* Housekeeping
        yield* tellAged([29, 31])
        yield* tellAged([29, 31, 60], "delivered")
        yield* tellAged([31], "dead")
        yield* tellAged([29, 31], "pending")
        expect(yield* tidy).toMatchObject({ deliveries: 3, outbound_messages: 4 })
        const left = yield* sql`
        select (select count(*)::int from hogsend.deliveries) as deliveries,
          (select count(*)::int from hogsend.delivery_attempts) as attempts,
          (select count(*)::int from hogsend.outbound_messages) as messages`
        expect(left).toEqual([{ deliveries: 3, attempts: 3, messages: 4 }])
        expect(yield* tidy).toMatchObject({ deliveries: 0, outbound_messages: 0 })
      }).pipe(Effect.provide(Housekeeping.layer({ batchSize: 2 })))
  )

  it.effect("keeps every delivery for as long as its message, or what is missing would be sent twice", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { tidy } = yield* Housekeeping
      yield* sql`truncate hogsend.outbound_messages, hogsend.deliveries cascade`
      yield* tellAged([12], "delivered")
      // Another endpoint got it three days later.
      yield* sql`
        insert into hogsend.endpoints (id, kind, event_types, ordering)
        values ('00000000-0000-7000-8000-000000000002', 'webhook', '{}', 'none')`
      yield* sql`
        insert into hogsend.deliveries (id, endpoint_id, message_id, status, finished_at)
        select gen_random_uuid(), '00000000-0000-7000-8000-000000000002', id, 'delivered', occurred_at + interval '3 days'
        from hogsend.outbound_messages`
      expect(yield* tidy).toMatchObject({ deliveries: 0, outbound_messages: 0 })
      yield* sql`update hogsend.deliveries set finished_at = finished_at - interval '2 days'`
      expect(yield* tidy).toMatchObject({ deliveries: 2, outbound_messages: 1 })
    }).pipe(Effect.provide(Housekeeping.layer({ keepDays: { outboundMessages: 10 } })))
  )
})

layer(TestDatabase.layer)("Housekeeping under a clock", (it) => {
  it.effect("runs every hour", () =>
    Effect.gen(function* () {
      yield* auditAged([500])
      yield* TestClock.adjust("1 hour")
      yield* untilLeft([])
    }).pipe(Effect.provide(Housekeeping.layer()))
  )
})
