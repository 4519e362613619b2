/** The SQL of what operators see and do: deliveries, their attempts, dead letters, replays, and how long the queue is. */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import type {
  DeadLetter,
  DeliveriesWatch,
  Delivery,
  DeliveryAttempt,
  DeliveryStatus,
  Page,
  QueueHealth
} from "@hogsend/core"
import { sinceHorizon } from "../commitHorizon.ts"
import { column } from "../Database.ts"
import type { AttemptName } from "./watchAttempts.ts"

/** An attempt beside its delivery. */
export type AttemptRow = typeof Delivery.Type &
  Omit<typeof DeliveryAttempt.Type, "status"> & { readonly answerStatus: number | null }

/** Which deliveries to list; what is absent does not matter. */
export interface DeliveryFilter {
  readonly endpointId?: string | undefined
  readonly status?: DeliveryStatus | undefined
  readonly eventType?: string | undefined
  readonly contactId?: string | undefined
  /** By when the event happened. */
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

/** Which messages an endpoint is sent once more, of those that it subscribes to. */
export interface ReplaySelection {
  /** Of messages, without `msg_`. */
  readonly messageIds?: ReadonlyArray<string> | undefined
  readonly eventTypes?: ReadonlyArray<string> | undefined
  readonly contactId?: string | undefined
  /** By when the event happened. */
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** Only what the endpoint never got. */
  readonly missingOnly?: boolean | undefined
}

/** A delivery as it is under its lock. */
export interface LockedDelivery {
  readonly endpointId: string
  readonly status: DeliveryStatus
  /** Whether its endpoint is. */
  readonly enabled: boolean
}

export const makeDeliveriesRepo = (sql: PgClient.PgClient) => {
  const columns = sql.literal(`d.id, d.endpoint_id as "endpointId", 'msg_' || d.message_id as "messageId",
    m.type as "eventType", d.contact_id as "contactId", d.status, d.attempts,
    case when d.status = 'pending' then d.due_at end as "dueAt", d.last_status as "lastStatus",
    d.last_error as "lastError", d.created_at as "createdAt", d.finished_at as "finishedAt"`)
  const from = sql.literal(`hogsend.deliveries d join hogsend.outbound_messages m on m.id = d.message_id`)

  const happened = ({ since, until }: Pick<DeliveryFilter, "since" | "until">) => [
    ...(since === undefined ? [] : [sql`m.occurred_at >= ${since}`]),
    ...(until === undefined ? [] : [sql`m.occurred_at < ${until}`])
  ]

  const matching = (filter: DeliveryFilter) => {
    const { contactId, endpointId, eventType, status } = filter
    return sql.and([
      sql`true`,
      ...(endpointId === undefined ? [] : [sql`d.endpoint_id = ${endpointId}`]),
      // In words, so that the index of dead letters answers.
      ...(status === undefined ? [] : [sql`d.status = ${sql.literal(`'${status}'`)}`]),
      ...(eventType === undefined ? [] : [sql`m.type = ${eventType}`]),
      ...(contactId === undefined ? [] : [sql`d.contact_id = ${contactId}`]),
      ...happened(filter)
    ])
  }

  /**
   * What is on its way to the endpoint is left alone. A contact that waits for its erasure is not there: only that it was
   * deleted may be told.
   */
  const chosen = (endpointId: string, selection: ReplaySelection) => {
    const { contactId, eventTypes, messageIds, missingOnly } = selection
    const left = missingOnly === true ? ["pending", "delivered"] : ["pending"]
    return sql`
      hogsend.outbound_messages m join hogsend.endpoints e on e.id = ${endpointId} and m.type = any(e.event_types)
      where ${sql.and([
        sql`(m.contact_id is null or m.type = 'contact.deleted'
          or m.contact_id not in (select hogsend.waiting_contacts()))`,
        ...(messageIds === undefined ? [] : [sql`m.id = any(${messageIds}::uuid[])`]),
        ...(eventTypes === undefined ? [] : [sql`m.type = any(${eventTypes}::text[])`]),
        ...(contactId === undefined ? [] : [sql`m.contact_id = ${contactId}`]),
        ...happened(selection),
        sql`not exists (
          select from hogsend.deliveries d
          where d.endpoint_id = e.id and d.message_id = m.id and d.status = any(${left}::text[])
        )`
      ])}`
  }

  const again = sql.literal(`status = 'pending', due_at = hogsend.now(), earlier_attempts = d.attempts,
    turn = nextval('hogsend.delivery_turns'), lease_id = null, lease_until = null, finished_at = null`)

  const counted = (status: DeliveryStatus) => sql`(select count(*)::int from
    (select from hogsend.deliveries where status = ${sql.literal(`'${status}'`)} limit 10000) as counted)`

  return {
    /** Those whose events happened last come first. */
    list: (filter: DeliveryFilter, { limit, offset }: Page) => sql<typeof Delivery.Type>`
      select ${columns} from ${from} where ${matching(filter)}
      order by ${sql.literal(filter.endpointId === undefined ? "d.id" : "d.message_id")} desc
      limit ${limit} offset ${offset}`,

    /** The same of the dead letters, with their payloads. */
    deadLetters: (filter: Omit<DeliveryFilter, "status">, { limit, offset }: Page) => sql<typeof DeadLetter.Type>`
      select ${columns}, m.body::json as payload from ${from} where ${matching({ ...filter, status: "dead" })}
      order by d.id desc limit ${limit} offset ${offset}`,

    count: (filter: DeliveryFilter) => sql<{ total: number }>`
      select count(*)::int as total from ${from} where ${matching(filter)}`,

    find: (id: string) => sql<typeof Delivery.Type>`select ${columns} from ${from} where d.id = ${id}`,

    attempts: (id: string) => sql<typeof DeliveryAttempt.Type>`
      select number, started_at as "startedAt", duration_ms as "durationMs", status, error, answer
      from hogsend.delivery_attempts where delivery_id = ${id} order by number`,

    /** Attempts that can have become visible since the horizon, in the order in which they ended. */
    attemptsSince: ({ contactId, endpointId }: DeliveriesWatch, horizon: string, lookBack: number) => sql<AttemptName>`
      select a.delivery_id as id, a.number
      from hogsend.delivery_attempts a cross join lateral (
        select from hogsend.deliveries d
        where ${sql.and([
          sql`d.id = a.delivery_id`,
          sql`(d.contact_id is null or d.contact_id not in (select hogsend.waiting_contacts()))`,
          ...(endpointId === undefined ? [] : [sql`d.endpoint_id = ${endpointId}`]),
          ...(contactId === undefined ? [] : [sql`d.contact_id = ${contactId}`])
        ])} offset 0
      ) d
      where a.started_at > hogsend.now() - make_interval(secs => ${lookBack / 1000}::float8)
        and ${sinceHorizon(sql, "a.xmin", horizon)}
      order by a.started_at + make_interval(secs => a.duration_ms / 1000.0)`,

    /** Those attempts, in the given order. */
    readAttempts: (attempts: ReadonlyArray<AttemptName>) => sql<AttemptRow>`
      select ${columns}, a.number, a.started_at as "startedAt", a.duration_ms as "durationMs", a.status as "answerStatus",
        a.error, a.answer
      from unnest(${column(
        attempts.map(({ id }) => id),
        PgTypes.OID.uuid
      )}, ${column(
        attempts.map(({ number }) => number),
        PgTypes.OID.int4
      )}) with ordinality as w (id, number, place)
      cross join lateral (
        select * from hogsend.delivery_attempts where delivery_id = w.id and number = w.number offset 0
      ) a
      cross join lateral (select * from hogsend.deliveries where id = w.id offset 0) d
      cross join lateral (select type from hogsend.outbound_messages where id = d.message_id offset 0) m
      order by w.place`,

    lock: (id: string) => sql<LockedDelivery>`
      select d.endpoint_id as "endpointId", d.status, e.disabled_at is null as enabled
      from hogsend.deliveries d join hogsend.endpoints e on e.id = d.endpoint_id
      where d.id = ${id} for no key update of d`,

    /** With the schedule from its start, behind whatever has come for its contact since. */
    retry: (id: string) => sql`update hogsend.deliveries d set ${again} where id = ${id} and status <> 'pending'`,

    /** One that waits for its next attempt need not wait. */
    hurry: (id: string) => sql`
      update hogsend.deliveries set due_at = least(due_at, hogsend.now()) where id = ${id} and status = 'pending'`,

    /** Whoever is at it loses its lease; who waited for it is due. */
    discard: (id: string) => sql`
      with discarded as (
        update hogsend.deliveries set status = 'discarded', finished_at = hogsend.now(), lease_id = null
        where id = ${id} returning endpoint_id, contact_id, turn
      )
      update hogsend.deliveries set due_at = least(due_at, hogsend.now())
      where id = (
        select n.id from discarded d join hogsend.deliveries n using (endpoint_id, contact_id)
        where n.status = 'pending' and n.turn > d.turn order by n.turn limit 1
      )`,

    countReplay: (endpointId: string, selection: ReplaySelection) => sql<{ count: number }>`
      select count(*)::int as count from ${chosen(endpointId, selection)}`,

    /** In the order in which the events happened. */
    replay: (endpointId: string, selection: ReplaySelection) => sql<{ count: number }>`
      with replayed as (
        insert into hogsend.deliveries as d (id, endpoint_id, message_id, contact_id)
        select (left(m.id::text, 18) || substr(gen_random_uuid()::text, 19))::uuid, e.id, m.id, m.contact_id
        from ${chosen(endpointId, selection)} order by m.id
        on conflict (endpoint_id, message_id) do update set ${again} where d.status <> 'pending'
        returning d.id
      )
      select count(*)::int as count from replayed`,

    /**
     * Counts no further than somebody who looks at it needs: it is asked all the time, also of a million rows. What a worker
     * has is not due: an attempt may take its time.
     */
    health: sql<QueueHealth>`
      select ${counted("pending")} as pending, ${counted("dead")} as "deadLettered",
        coalesce((
          select greatest(0, extract(epoch from hogsend.now() - min(d.due_at)))::float8
          from hogsend.endpoints e cross join lateral (
            select due_at from hogsend.deliveries
            where endpoint_id = e.id and status = 'pending' and (lease_until is null or lease_until <= hogsend.now())
            order by due_at limit 1
          ) d
          where e.disabled_at is null and not exists (
            select from hogsend.endpoint_health h where h.endpoint_id = e.id and h.retry_at is not null
          )
        ), 0) as "oldestDueSeconds",
        (
          select count(*)::int from hogsend.endpoint_health h join hogsend.endpoints e on e.id = h.endpoint_id
          where h.retry_at is not null and e.disabled_at is null
        ) as "openCircuits"`
  }
}
