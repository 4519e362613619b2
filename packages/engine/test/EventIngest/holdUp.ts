/** A group that stands still in the middle of its insert, with everything that it holds by then. */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { openTransaction } from "../openTransaction.ts"
import type { Engine } from "./engines.ts"

/** Until the answered effect runs, whoever stores an event of this name waits. */
export const holdUp = Effect.fnUntraced(function* ({ sql }: Engine, name: string) {
  const drop = Effect.orDie(sql`drop trigger if exists hold_up on hogsend.events`)
  yield* sql`
    create or replace function public.hold_up() returns trigger language plpgsql as
    'begin perform pg_advisory_xact_lock_shared(1); return new; end'`
  yield* drop
  yield* Effect.acquireRelease(
    sql`
      create trigger hold_up before insert on hogsend.events for each row
      when (new.name = ${sql.literal(`'${name}'`)}) execute function public.hold_up()`,
    () => drop
  )
  const { commit } = yield* openTransaction(sql`select pg_advisory_xact_lock(1)`).pipe(
    Effect.provideService(PgClient.PgClient, sql)
  )
  return commit
})

/** Until so many transactions wait for a lock. */
export const waiting = ({ sql }: Engine, count: number) =>
  sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.pipe(
    Effect.delay(5),
    Effect.repeat({ until: (found) => found.length >= count }),
    Effect.timeout(4000),
    Effect.orDie
  )
