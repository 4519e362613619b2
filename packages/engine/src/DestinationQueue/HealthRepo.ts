/**
 * The SQL of how endpoints are doing: tries and failures in slots of ten seconds, the breaker, and since when nothing but
 * failures came back. All workers add to the same rows, once a second, and never a row for each attempt.
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { column } from "../Database.ts"
import type { Counts } from "./endpointCounts.ts"

export interface BreakerOptions {
  /** The share of failures at which it opens. */
  readonly failures: number
  /** How many tries it takes to judge. */
  readonly tries: number
  /** How long it stays open before one delivery may try, in milliseconds. */
  readonly retryAfter: number
}

const { bool, int4, uuid } = PgTypes.OID

export const makeHealthRepo = (sql: PgClient.PgClient, { failures, retryAfter, tries }: BreakerOptions) => {
  const retryAt = sql`hogsend.now() + make_interval(secs => ${retryAfter / 1000}::float8)`

  return {
    /** A success is told by the endpoint, too. Endpoints that were deleted are left out. */
    add: (counts: ReadonlyArray<Counts>) => {
      const of = (oid: number, value: (count: Counts) => unknown) => column(counts.map(value), oid)
      return sql`
      with counted as materialized (
        select c.* from unnest(${of(uuid, ({ endpointId }) => endpointId)}, ${of(int4, ({ tries }) => tries)},
          ${of(int4, ({ failures }) => failures)}, ${of(bool, ({ works }) => works)}) as c (id, tries, failures, works)
        join hogsend.endpoints e using (id) order by id for no key update of e
      ),
      ten as (select to_timestamp(floor(extract(epoch from hogsend.now()) / 10) * 10) as seconds),
      added as (
        insert into hogsend.endpoint_tries as t (endpoint_id, slot, started_at, tries, failures)
        select id, (extract(epoch from seconds) / 10)::bigint % 30, seconds, tries, failures from counted, ten
        on conflict (endpoint_id, slot) do update set (started_at, tries, failures) = row (excluded.started_at,
          excluded.tries + case when t.started_at = excluded.started_at then t.tries else 0 end,
          excluded.failures + case when t.started_at = excluded.started_at then t.failures else 0 end)
      ),
      judged as (
        insert into hogsend.endpoint_health as h (endpoint_id, failing_since)
        select id, case when not works then hogsend.now() end from counted
        on conflict (endpoint_id) do update
        set failing_since = case when excluded.failing_since is not null then coalesce(h.failing_since, hogsend.now()) end
      )
      update hogsend.endpoints set last_delivery_at = hogsend.now() where id in (select id from counted where works)`
    },

    /** Opens the breakers for which it is time, and answers whose. */
    open: (endpointIds: ReadonlyArray<string>) => sql<{ endpointId: string }>`
      update hogsend.endpoint_health h set retry_at = ${retryAt}
      where h.endpoint_id = any(${endpointIds}::uuid[]) and h.retry_at is null and (
        select sum(t.tries) >= ${tries}::int and sum(t.failures) >= ${failures}::float8 * sum(t.tries)
        from hogsend.endpoint_tries t
        where t.endpoint_id = h.endpoint_id and t.started_at > hogsend.now() - interval '5 minutes'
      )
      returning h.endpoint_id as "endpointId"`,

    /** After a probe that succeeded: what was counted before says nothing any more. */
    close: (endpointIds: ReadonlyArray<string>) => sql<{ endpointId: string }>`
      with closed as (
        update hogsend.endpoint_health set retry_at = null
        where endpoint_id = any(${endpointIds}::uuid[]) and retry_at is not null returning endpoint_id
      ),
      forgotten as (delete from hogsend.endpoint_tries where endpoint_id in (select endpoint_id from closed))
      select endpoint_id as "endpointId" from closed`,

    /** After a probe that was not sent: the next one may try at once. */
    probeAgain: (endpointIds: ReadonlyArray<string>) => sql`
      update hogsend.endpoint_health set retry_at = hogsend.now()
      where endpoint_id = any(${endpointIds}::uuid[]) and retry_at is not null`,

    /** Those of them that nothing reached for so many days. One that was changed meanwhile has them anew. */
    failing: (endpointIds: ReadonlyArray<string>, days: number) => sql<{ endpointId: string }>`
      select h.endpoint_id as "endpointId" from hogsend.endpoint_health h join hogsend.endpoints e on e.id = h.endpoint_id
      where h.endpoint_id = any(${endpointIds}::uuid[]) and e.disabled_at is null and h.failing_since is not null
        and greatest(h.failing_since, e.updated_at) <= hogsend.now() - make_interval(days => ${days}::int)`
  }
}

export type HealthRepo = ReturnType<typeof makeHealthRepo>
