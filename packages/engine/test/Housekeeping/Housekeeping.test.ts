/** What is not meant to be kept for ever is kept to its age. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { Housekeeping } from "../../src/Housekeeping.ts"

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
      expect(yield* tidy).toEqual({ idempotency_keys: 25, warnings: 30, audit_logs: 0 })
      expect(yield* tidy).toEqual({ idempotency_keys: 0, warnings: 0, audit_logs: 0 })

      yield* sql.unsafe(
        "create or replace function hogsend.now() returns timestamptz language sql stable as 'select pg_catalog.now() + interval ''10 days'''"
      )
      expect(yield* tidy).toMatchObject({ idempotency_keys: 10, warnings: 10 })
      const [left] = yield* sql<{ rows: number }>`select count(*)::int as rows from hogsend.idempotency_keys`
      expect(left?.rows).toBe(25)
    })
  )
})
