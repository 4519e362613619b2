/** The SQL of what is told: messages and their deliveries, and what becomes of them when a contact leaves. */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import type { OutboundEnvelope } from "@hogsend/core"
import type { Fragment } from "effect/sql/Statement"
import { column } from "../Database.ts"

export interface MessageRow {
  readonly id: string
  readonly type: OutboundEnvelope["type"]
  readonly contactId: string | null
  /** What is sent, to the byte. */
  readonly body: string
  /** The `traceparent` of the request that it came of; null where nobody traces. */
  readonly trace: string | null
}

export interface MessageOptions {
  /** The one endpoint to tell, whatever it subscribes to. */
  readonly only?: string | undefined
  /** What has to hold before anything is told. */
  readonly turn?: Fragment | undefined
}

export interface Parting {
  /** The contact that leaves. */
  readonly to: string
  /** What the analytics provider may know it by. */
  readonly distinctIds: ReadonlyArray<string>
}

const { text, uuid } = PgTypes.OID

const contactDeleted = "The contact was deleted."

export const makeOutboundRepo = (sql: PgClient.PgClient) => {
  /** What tells that these contacts were deleted. */
  const farewells = (contactIds: ReadonlyArray<string>) => sql`
    select id from hogsend.outbound_messages
    where contact_id = any(${contactIds}::uuid[]) and type in ('contact.deleted', 'person.delete')`

  /** Of what the analytics provider is told a part is for it alone, and for certain: what nobody tells it again. */
  const isForProvider = sql.literal(`(
    select type from hogsend.outbound_messages where id = d.message_id) in ('person.set', 'person.merge', 'person.delete')`)

  return {
    /**
     * As parts of a statement. The endpoints are locked against being deleted, so that a delivery to one that is going fails
     * nobody; a delivery's id has the time of its message's.
     */
    messageParts: (messages: ReadonlyArray<MessageRow>, { only, turn = sql`true` }: MessageOptions) => {
      const wants = only === undefined ? sql`t.type = any(e.event_types)` : sql`e.id = ${only}`
      const of = (oid: number, value: (message: MessageRow) => unknown) => column(messages.map(value), oid)
      // Who traces nothing writes nothing for it.
      const isTraced = messages.some(({ trace }) => trace !== null)
      const traces = isTraced ? sql`, ${of(text, ({ trace }) => trace)}` : sql.literal("")
      const trace = sql.literal(isTraced ? ", trace" : "")
      return sql`
        told as materialized (
          select * from unnest(${of(uuid, ({ id }) => id)}, ${of(text, ({ type }) => type)},
            ${of(uuid, ({ contactId }) => contactId)}, ${of(text, ({ body }) => body)}${traces})
            with ordinality as t (id, type, contact_id, body${trace}, place)
          where ${turn}
        ),
        messages as (
          insert into hogsend.outbound_messages (id, type, contact_id, body${trace})
          select id, type, contact_id, body${trace} from told
        ),
        queued as (
          insert into hogsend.deliveries (id, endpoint_id, message_id, contact_id)
          select (left(t.id::text, 18) || substr(gen_random_uuid()::text, 19))::uuid, e.id, t.id, t.contact_id
          from told t join hogsend.endpoints e on ${wants} and e.disabled_at is null
          order by t.place, e.id for key share of e
          returning id
        )`
    },

    /** A worker that is at one of them loses its lease: what it finds out is written nowhere. */
    withdraw: (contactIds: ReadonlyArray<string>) => sql`
      with farewells as (${farewells(contactIds)}),
      withdrawn as (
        update hogsend.deliveries
        set status = 'discarded', finished_at = hogsend.now(), lease_id = null, last_error = ${contactDeleted}
        where contact_id = any(${contactIds}::uuid[]) and status in ('pending', 'dead')
          and message_id not in (select id from farewells)
        returning endpoint_id, lease_until
      )
      update hogsend.deliveries d set due_at = w.until
      from (select endpoint_id, max(lease_until) as until from withdrawn where lease_until > hogsend.now() group by 1) w
      where d.contact_id = any(${contactIds}::uuid[]) and d.message_id in (select id from farewells)
        and d.status = 'pending' and d.endpoint_id = w.endpoint_id`,

    release: (contactIds: ReadonlyArray<string>) => sql`
      with released as (
        update hogsend.deliveries set contact_id = null
        where contact_id = any(${contactIds}::uuid[]) and message_id in (${farewells(contactIds)})
          and status in ('pending', 'dead')
        returning message_id
      )
      update hogsend.outbound_messages set contact_id = null where id in (select message_id from released)`,

    /** What waits for `from`, and whose it is to be. There is hardly ever anything. */
    waiting: (moves: ReadonlyArray<{ readonly from: string; readonly to: string }>) => {
      const of = (value: (move: (typeof moves)[number]) => string) => column(moves.map(value), uuid)
      return sql<{ id: string; to: string }>`
      select d.id, m.contact_id as "to"
      from (select distinct * from unnest(${of(({ from }) => from)}, ${of(({ to }) => to)})) as m (stranger, contact_id)
      cross join lateral (
        select id from hogsend.deliveries where contact_id = m.stranger and status = 'pending' offset 0
      ) d`
    },

    /** Due: whoever ends what they waited for may look for them where they were. */
    adopt: (rows: ReadonlyArray<{ readonly id: string; readonly to: string }>) => sql`
      update hogsend.deliveries d set contact_id = r."to", due_at = least(d.due_at, hogsend.now())
      from jsonb_to_recordset(${sql.json(rows)}) as r (id uuid, "to" uuid) where d.id = r.id`,

    /** Looked for among what waits for the provider alone: those that nobody has are in no index of contacts. */
    follow: (keys: ReadonlyArray<{ readonly value: string; readonly contactId: string }>) => sql`
      with farewells as (
        select d.id, d.message_id, k."contactId"
        from hogsend.endpoints e cross join lateral (
          select id, message_id from hogsend.deliveries
          where endpoint_id = e.id and status = 'pending' and contact_id is null offset 0
        ) d
        join hogsend.outbound_messages m on m.id = d.message_id and m.type = 'person.delete'
        join jsonb_to_recordset(${sql.json(keys)}) as k (value text, "contactId" uuid)
          on jsonb_exists(m.body::jsonb->'data'->'distinctIds', k.value)
        where 'person.delete' = any(e.event_types)
      ),
      messages as (
        update hogsend.outbound_messages m set contact_id = f."contactId" from farewells f where m.id = f.message_id
      )
      update hogsend.deliveries d set contact_id = f."contactId" from farewells f where d.id = f.id`,

    /** Answers a row for each. To whom nothing is sent at the moment these do not wait, either. */
    resume: (contactIds: ReadonlyArray<string>) => sql`
      update hogsend.deliveries d
      set status = 'pending', due_at = greatest(hogsend.now(), lease_until), earlier_attempts = attempts,
        lease_until = null, finished_at = null, last_error = null
      where contact_id = any(${contactIds}::uuid[]) and status = 'discarded' and last_error = ${contactDeleted}
        and ${isForProvider} and (select disabled_at from hogsend.endpoints where id = d.endpoint_id) is null
      returning id`,

    part: (contactIds: ReadonlyArray<string>, { distinctIds, to }: Parting) => sql`
      with kept as (
        select d.id, message_id, (
          select body::json->'data'->>'distinctId' from hogsend.outbound_messages where id = d.message_id
        ) = any(${distinctIds}::text[]) as leaves
        from hogsend.deliveries d
        where contact_id = any(${contactIds}::uuid[]) and status = 'pending' and ${isForProvider}
      ),
      forgotten as (
        delete from hogsend.outbound_messages
        where contact_id = any(${contactIds}::uuid[]) and id not in (select message_id from kept)
      ),
      left_behind as (
        delete from hogsend.deliveries
        where contact_id = any(${contactIds}::uuid[]) and id not in (select id from kept)
      ),
      moved as (
        update hogsend.outbound_messages set contact_id = ${to}
        where id in (select message_id from kept where leaves)
      )
      update hogsend.deliveries set contact_id = ${to} where id in (select id from kept where leaves)`
  }
}
