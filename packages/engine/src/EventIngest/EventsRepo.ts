/** The SQL of taking events in: each statement takes as many as there are. */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import type { VouchedBy } from "@hogsend/core"
import { column } from "../Database.ts"

export interface EventRow {
  readonly id: string
  readonly keyId: string
  readonly name: string
  /** As JSON. */
  readonly properties: string
  readonly value: number | null
  readonly currency: string | null
  readonly groups: Readonly<Record<string, string>> | null
  readonly source: string
  readonly vouchedBy: VouchedBy
  readonly idempotencyKey: string | null
  readonly occurredAt: Date
}

/** An idempotency key that an event wants to be the only one of. */
export interface IdempotencyClaim {
  readonly scope: string
  readonly key: string
  readonly fingerprint: string
  readonly eventId: string
}

const { text, timestamptz, uuid } = PgTypes.OID

const columnOf = <A>(rows: ReadonlyArray<A>, oid: number, value: (row: A) => unknown) => column(rows.map(value), oid)

export const makeEventsRepo = (sql: PgClient.PgClient) => ({
  /** One that is there already is left as it is: an attempt whose commit nobody heard of. */
  insert: (events: ReadonlyArray<EventRow>) =>
    sql.unsafe(insertEvents, [
      columnOf(events, uuid, (event) => event.id),
      columnOf(events, uuid, (event) => event.keyId),
      columnOf(events, text, (event) => event.name),
      columnOf(events, text, (event) => event.properties),
      columnOf(events, text, ({ value }) => (value === null ? null : String(value))),
      columnOf(events, text, (event) => event.currency),
      columnOf(events, text, ({ groups }) => (groups === null ? null : JSON.stringify(groups))),
      columnOf(events, text, (event) => event.source),
      columnOf(events, text, (event) => event.vouchedBy),
      columnOf(events, text, (event) => event.idempotencyKey),
      columnOf(events, timestamptz, (event) => event.occurredAt)
    ]),

  /** Which of these events are stored. */
  findIds: (ids: ReadonlyArray<string>) => sql<{ id: string }>`
    select id from hogsend.events where id = any(${ids}::uuid[])`,

  /** Answers the events that won their key; waits for a transaction that is claiming the same. */
  claimIdempotencyKeys: (claims: ReadonlyArray<IdempotencyClaim>) =>
    sql.unsafe<{ eventId: string }>(claimKeys, [
      columnOf(claims, text, (claim) => claim.scope),
      columnOf(claims, text, (claim) => claim.key),
      columnOf(claims, text, (claim) => claim.fingerprint),
      columnOf(claims, uuid, (claim) => claim.eventId)
    ]),

  /** Who holds these keys. */
  findIdempotencyKeys: (claims: ReadonlyArray<IdempotencyClaim>) =>
    sql.unsafe<IdempotencyClaim>(findKeys, [
      columnOf(claims, text, (claim) => claim.scope),
      columnOf(claims, text, (claim) => claim.key)
    ])
})

const insertEvents = `
  insert into hogsend.events (id, key_id, name, properties, value, currency, groups, source, vouched_by,
    idempotency_key, occurred_at)
  select id, key_id, name, properties::jsonb, value::numeric, currency, groups::jsonb, source, vouched_by,
    idempotency_key, occurred_at
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::timestamptz[]) as e (id, key_id, name, properties, value, currency, groups, source, vouched_by,
    idempotency_key, occurred_at)
  on conflict (id) do nothing`

// In one order for everybody, so that two who want the same keys wait and do not deadlock.
const claimKeys = `
  insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
  select scope, key, fingerprint, event_id
  from unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) as c (scope, key, fingerprint, event_id)
  order by scope collate "C", key collate "C"
  on conflict do nothing returning event_id as "eventId"`

const findKeys = `
  select fingerprint, scope, key, event_id as "eventId"
  from unnest($1::text[], $2::text[]) as asked (asked_scope, asked_key)
  join hogsend.idempotency_keys on scope = asked_scope and key = asked_key`
