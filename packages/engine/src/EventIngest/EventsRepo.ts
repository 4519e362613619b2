/** The SQL of taking events in. */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import type { VouchedBy } from "@hogsend/core"
import { column } from "../Database.ts"
import type { GroupStatement } from "../IdentityResolver.ts"

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

/** An event as one of a group. */
export interface GroupEvent {
  readonly row: EventRow
  readonly claim: IdempotencyClaim | undefined
  /** It is stored, or the group is not. */
  readonly bound: boolean
}

const { bool, text, timestamptz, uuid } = PgTypes.OID

export const makeEventsRepo = (sql: PgClient.PgClient) => {
  const fields =
    sql.literal(`id, key_id, name, properties, value, currency, groups, source, vouched_by, idempotency_key,
    occurred_at`)
  const stored = sql.literal(`id, key_id, name, properties::jsonb, value::numeric, currency, groups::jsonb, source,
    vouched_by, idempotency_key, occurred_at`)

  const columnsOf = (events: ReadonlyArray<EventRow>) => {
    const of = (oid: number, value: (event: EventRow) => unknown) => column(events.map(value), oid)
    return sql`${of(uuid, ({ id }) => id)}, ${of(uuid, ({ keyId }) => keyId)}, ${of(text, ({ name }) => name)},
      ${of(text, ({ properties }) => properties)},
      ${of(text, ({ value }) => (value === null ? null : String(value)))}, ${of(text, ({ currency }) => currency)},
      ${of(text, ({ groups }) => (groups === null ? null : JSON.stringify(groups)))},
      ${of(text, ({ source }) => source)}, ${of(text, ({ vouchedBy }) => vouchedBy)},
      ${of(text, ({ idempotencyKey }) => idempotencyKey)}, ${of(timestamptz, ({ occurredAt }) => occurredAt)}`
  }

  const claimColumnsOf = (events: ReadonlyArray<GroupEvent>) => {
    const of = (oid: number, value: (event: GroupEvent) => unknown) => column(events.map(value), oid)
    return sql`${of(text, ({ claim }) => claim?.scope ?? null)}, ${of(text, ({ claim }) => claim?.fingerprint ?? null)},
      ${of(bool, ({ bound }) => bound)}`
  }

  return {
    /** One that is there already is left as it is: an attempt whose commit nobody heard of. */
    insert: (event: EventRow) => sql`
      insert into hogsend.events (${fields}) select ${stored} from unnest(${columnsOf([event])}) as e (${fields})
      on conflict (id) do nothing`,

    /**
     * Stores a group in one statement. Answers the ids of events that were not stored, since their idempotency keys are
     * taken, and a row without an id: what confirms the statement drives the rest.
     */
    storeGroup: (events: ReadonlyArray<GroupEvent>, { confirm, heard, parts }: GroupStatement) => sql<{
      id: string | null
      heard: boolean
    }>`
      with asked as materialized (
        select * from unnest(${columnsOf(events.map(({ row }) => row))}, ${claimColumnsOf(events)})
          as e (${fields}, scope, fingerprint, bound)
      ),
      claimed as (
        insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
        select scope, idempotency_key, fingerprint, id from asked where scope is not null
        order by scope collate "C", idempotency_key collate "C"
        on conflict do nothing returning event_id
      ),
      ${parts},
      stored as (
        insert into hogsend.events (${fields}) select ${stored} from asked
        where scope is null or id in (select event_id from claimed)
        on conflict (id) do nothing returning id
      ),
      missing as materialized (
        select id, key_id, bound or scope is null or id in (select event_id from claimed) as needed
        from asked where id not in (select id from stored)
      ),
      confirmed as materialized (select ${confirm(sql`select key_id from missing where needed`)})
      select id, ${heard} as heard from confirmed left join missing on true`,

    /** Answers a row when the key was won; waits for a transaction that is claiming it. */
    claimIdempotencyKey: ({ eventId, fingerprint, key, scope }: IdempotencyClaim) => sql<{ key: string }>`
      insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
      values (${scope}, ${key}, ${fingerprint}, ${eventId})
      on conflict do nothing returning key`,

    findIdempotencyKey: (scope: string, key: string) => sql<Pick<IdempotencyClaim, "fingerprint" | "eventId">>`
      select fingerprint, event_id as "eventId" from hogsend.idempotency_keys where scope = ${scope} and key = ${key}`,

    /** Who holds these keys. */
    findIdempotencyKeys: (claims: ReadonlyArray<IdempotencyClaim>) => {
      const of = (value: (claim: IdempotencyClaim) => string) => column(claims.map(value), text)
      return sql<IdempotencyClaim>`
        select k.* from unnest(${of(({ scope }) => scope)}, ${of(({ key }) => key)}) as asked (asked_scope, asked_key)
        cross join lateral (
          select fingerprint, scope, key, event_id as "eventId" from hogsend.idempotency_keys
          where scope = asked_scope and key = asked_key offset 0
        ) k`
    }
  }
}
