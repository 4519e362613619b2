/** The SQL of events as operators see them: lists, names, and what is new. Nothing of a contact that waits for its erasure. */
import type { PgClient } from "@effect/sql-pg"
import type { Event, Page } from "@hogsend/core"
import { sinceHorizon } from "../commitHorizon.ts"
import type { EventFilter, EventName } from "../Events.ts"

/** Where to read on: the events whose ids are greater, as far as they can have become visible since `horizon`. */
export interface Following {
  readonly after: string
  /** Null: all of them. */
  readonly horizon: string | null
  readonly names?: ReadonlyArray<string> | undefined
  readonly contactId?: string | undefined
  readonly limit: number
}

export const makeAdminEventsRepo = (sql: PgClient.PgClient) => {
  const visible = sql`e.key_id not in (
    select id from hogsend.identity_keys where contact_id in (select hogsend.waiting_contacts()))`

  /** The keys of a contact, also by the id of one that was merged away. */
  const keysOf = (contactId: string) => sql`
    select k.id from hogsend.identity_keys k
    join hogsend.identity_keys own on own.kind = 'contact' and own.value = ${contactId}::uuid::text
    where k.contact_id = own.contact_id`

  const where = ({ contactId, name }: EventFilter) =>
    sql.and([
      visible,
      name === undefined ? sql`true` : sql`e.name = ${name}`,
      contactId === undefined ? sql`true` : sql`e.key_id in (${keysOf(contactId)})`
    ])

  const columns = sql.literal(`e.id, e.name, k.contact_id as "contactId", e.source, e.vouched_by as "vouchedBy",
    e.properties, e.value::float8 as value, e.currency, e.groups, e.idempotency_key as "idempotencyKey",
    e.occurred_at as "occurredAt", e.received_at as "receivedAt",
    coalesce(
      (select value from hogsend.identity_keys x where x.contact_id = k.contact_id and x.kind = 'external'
        order by preferred_at desc nulls last, first_asserted_at, value limit 1),
      (select value from hogsend.identity_keys x where x.contact_id = k.contact_id and x.kind = 'anonymous'
        order by first_asserted_at, value limit 1),
      k.contact_id::text,
      k.value
    ) as "contactKey"`)

  const isAsked = ({ contactId, names }: Following) =>
    sql.and([
      names === undefined ? sql`true` : sql`e.name = any(${names}::text[])`,
      contactId === undefined ? sql`true` : sql`e.key_id in (${keysOf(contactId)})`
    ])

  /**
   * The ids of a page. What is new is the end of the table, which is read whole; of what is old only what is asked for, by the
   * index of its keys or names.
   */
  const pageOf = (following: Following) => {
    const { after, contactId, horizon, limit, names } = following
    const next = sql`e.id > ${after}::uuid`
    const first = sql`order by e.id limit ${limit}`
    if (horizon !== null) {
      return sql`select e.id from hogsend.events e
        where ${next} and ${sinceHorizon(sql, "e.xmin", horizon)} and ${isAsked(following)} ${first}`
    }
    if (contactId !== undefined) {
      return sql`select p.id from (${keysOf(contactId)}) key cross join lateral (
        select e.id from hogsend.events e
        where e.key_id = key.id and ${isAsked({ ...following, contactId: undefined })} and ${next} ${first}) p`
    }
    if (names !== undefined) {
      return sql`select p.id from unnest(${[...new Set(names)]}::text[]) n (name) cross join lateral (
        select e.id from hogsend.events e where e.name = n.name and ${next} ${first}) p`
    }
    return sql`select e.id from hogsend.events e where ${next} ${first}`
  }

  return {
    list: (filter: EventFilter, { limit, offset }: Page) => sql<typeof Event.Type>`
      select ${columns} from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id
      where ${where(filter)} order by e.id desc limit ${limit} offset ${offset}`,

    count: (filter: EventFilter) => sql<{ total: number }>`
      select count(*)::int as total from hogsend.events e where ${where(filter)}`,

    // Hops from name to name along the index, so that it costs the same at a thousand events and at a billion.
    names: sql<EventName>`
      with recursive hops as (
        (select e.name from hogsend.events e where ${visible} order by e.name limit 1)
        union all
        select (select e.name from hogsend.events e where e.name > hops.name and ${visible} order by e.name limit 1)
        from hops where hops.name is not null
      )
      select name,
        (select e.received_at from hogsend.events e where e.name = hops.name and ${visible} order by e.id desc limit 1) as "lastSeenAt"
      from hops where name is not null limit 10000`,

    /** A page, the oldest first. One that is not visible has its place in it, and nothing but its id. */
    next: (following: Following) => sql<{ id: string } & ({ hidden: true } | (typeof Event.Type & { hidden: false }))>`
      select e.*, p.id, e.id is null as hidden
      from (select id from (${pageOf(following)}) found order by id limit ${following.limit}) p
      left join lateral (
        select ${columns} from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id
        where e.id = p.id and ${visible} offset 0
      ) e on true
      order by p.id`
  }
}
