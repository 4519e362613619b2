/**
 * The SQL of working off deliveries: claiming them, and writing down what became of them. One statement for many rows each.
 *
 * Rows are found by laterals and scalar queries, which no plan turns into a join, and written by the conflict with their own
 * id: one index probe for each, as long as the session reads no whole table (`ownSessions.ts`).
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import { column } from "../Database.ts"
import type { Slots } from "./Slots.ts"

/** A delivery that is leased to us. */
export interface Claimed {
  readonly id: string
  readonly leaseId: string
  readonly endpointId: string
  readonly messageId: string
  /** From 1, of this round of the schedule. */
  readonly attempt: number
  readonly lastStatus: number | null
  /** Null: the message is not kept any more. */
  readonly body: string | null
  /** The `traceparent` of the request that the message came of. */
  readonly trace: string | null
  /** Others of the same contact wait for it. */
  readonly ordered: boolean
  /** It tries whether an endpoint works again. */
  readonly probe: boolean
}

/** What becomes of it. */
export interface Outcome {
  readonly claimed: Pick<Claimed, "id" | "leaseId" | "endpointId" | "ordered">
  readonly status: "pending" | "delivered" | "dead" | "discarded"
  /** Until it is due again, in milliseconds. */
  readonly delay: number
  /** Whether the attempt counts. One that does not leaves everything as it was, but the lease. */
  readonly counts: boolean
  readonly error: string | null
  /** What was sent and answered, if anything was. */
  readonly sent: Sent | null
}

/** One that others of its contact may wait for. */
export interface Ended {
  readonly endpointId: string
  readonly contactId: string
  readonly turn: bigint
}

export interface Sent {
  /** By this process's clock, in milliseconds. */
  readonly startedAt: number
  readonly duration: number
  readonly status: number | null
  /** Its first KiB. */
  readonly answer: string | null
}

export interface ClaimOptions {
  /** In milliseconds. */
  readonly lease: number
  /** How many attempts there may be. */
  readonly maxAttempts: number
  /** How long an open breaker keeps everybody else out when one has tried, in milliseconds. */
  readonly retryAfter: number
}

const { bool, float8, int4, int8, text, uuid } = PgTypes.OID

/** How many due rows of an endpoint with an order are looked at in one claim. */
const orderedWindow = 500

export const makeClaimsRepo = (sql: PgClient.PgClient, { lease, maxAttempts, retryAfter }: ClaimOptions) => {
  const milliseconds = (ms: number) => sql`make_interval(secs => ${ms / 1000}::float8)`
  const isFree = sql.literal(`status = 'pending' and due_at <= hogsend.now()
    and (lease_until is null or lease_until <= hogsend.now())`)

  /** What a row must have to be written by the conflict. */
  const names = sql.literal("id, endpoint_id, message_id, turn")

  /**
   * Who waited for one that is done is due. A statement of its own, after the commit: a claim that saw the one that is done as
   * it was before, and sent who comes next to wait for it, is waited for here.
   */
  const callNext = (ended: ReadonlyArray<Ended>) => {
    const of = (oid: number, value: (one: Ended) => unknown) => column(ended.map(value), oid)
    return sql`
      insert into hogsend.deliveries as d (${names})
      select next.*
      from unnest(${of(uuid, ({ endpointId }) => endpointId)}, ${of(uuid, ({ contactId }) => contactId)},
        ${of(int8, ({ turn }) => turn)}) as h (endpoint_id, contact_id, turn)
      cross join lateral (
        select ${names} from hogsend.deliveries
        where endpoint_id = h.endpoint_id and contact_id = h.contact_id and status = 'pending' and turn > h.turn
        order by turn limit 1 for no key update
      ) next
      on conflict (id) do update set due_at = least(d.due_at, hogsend.now())`
  }

  /**
   * Those of whom a claim said that they wait, and who are the first by now, are due. A claim sees everybody as they were when
   * it began, and locks its rows later: one that ended, and called the next, in between is not seen, and calls nobody again.
   */
  const callFirst = (waiting: ReadonlyArray<string>) => sql`
      insert into hogsend.deliveries as d (${names})
      select first.* from unnest(${column(waiting, uuid)}) as w (id) cross join lateral (
        select ${names} from hogsend.deliveries i
        where i.id = w.id and i.status = 'pending' and i.lease_id is null and not exists (
          select from hogsend.deliveries
          where endpoint_id = i.endpoint_id and contact_id = i.contact_id and status = 'pending' and turn < i.turn
        ) for no key update skip locked
      ) first
      on conflict (id) do update set due_at = least(d.due_at, hogsend.now())`

  return {
    /**
     * Leases what is due, as far as there are slots: those that have the fewest first. Where there is an order, who is not
     * the first of its contact waits until the first is done, which calls it, or for some minutes. One that was claimed as
     * often as it may be, and of whom nobody heard, is dead.
     *
     * Always answers a row, with how long it takes until something is due, and whether there is more to look at now. A claim
     * that a crash of Postgres forgets is made once more, so nobody waits for its disk.
     */
    claim: Effect.fnUntraced(function* (slots: Slots, leaseId: string) {
      const held = [...slots.held()]
      const rows = yield* sql<
        { readonly [Key in keyof Claimed]: Claimed[Key] | null } & {
          nextDue: number | null
          more: boolean
          waiting: ReadonlyArray<string> | null
        }
      >`
      with held as materialized (
        select * from unnest(${column(
          held.map(([id]) => id),
          uuid
        )}, ${column(
          held.map(([, count]) => count),
          int4
        )}) as h (id, held)
      ),
      probes as (
        update hogsend.endpoint_health h set retry_at = hogsend.now() + ${milliseconds(retryAfter)}
        where h.retry_at <= hogsend.now()
          and (select e.disabled_at is null from hogsend.endpoints e where e.id = h.endpoint_id)
          and (select true from hogsend.deliveries where endpoint_id = h.endpoint_id and ${isFree} limit 1)
        returning h.endpoint_id
      ),
      open as materialized (
        select e.id, e.ordering, coalesce(h.held, 0) as held, ${slots.share}::int - coalesce(h.held, 0) as free,
          false as probe
        from hogsend.endpoints e left join held h using (id)
        where e.disabled_at is null and not exists (
          select from hogsend.endpoint_health b where b.endpoint_id = e.id and b.retry_at is not null
        )
        union all
        select e.id, e.ordering, 0, 1, true from probes p join hogsend.endpoints e on e.id = p.endpoint_id
      ),
      due as materialized (
        select d.*, o.ordering = 'contact' and d.contact_id is not null as ordered, o.held, o.free, o.probe
        from open o cross join lateral (
          select id, endpoint_id, message_id, contact_id, turn, attempts, earlier_attempts, due_at, last_status
          from hogsend.deliveries where endpoint_id = o.id and ${isFree}
          order by due_at limit case when o.ordering = 'contact' and o.free > 0 then ${orderedWindow} else o.free end
          for no key update skip locked
        ) d
      ),
      ranked as materialized (
        select d.*, first.due_at as first_due, d.attempts - d.earlier_attempts >= ${maxAttempts}::int as lost,
          row_number() over (partition by d.endpoint_id, first.due_at is null order by d.due_at, d.turn) as place
        from due d left join lateral (
          select due_at from hogsend.deliveries
          where d.ordered and endpoint_id = d.endpoint_id and contact_id = d.contact_id and status = 'pending'
            and turn < d.turn
          order by turn limit 1
        ) first on true
      ),
      picked as materialized (
        select * from ranked where first_due is null and place <= free
        order by probe desc, held + place, due_at limit ${slots.free()}::int
      ),
      claimed as (
        insert into hogsend.deliveries as d
          (id, endpoint_id, message_id, turn, status, attempts, due_at, lease_id, lease_until, finished_at)
        select id, endpoint_id, message_id, turn, case when lost then 'dead' else 'pending' end,
          attempts + (not lost)::int, due_at, case when not lost then ${leaseId}::uuid end,
          case when not lost then hogsend.now() + ${milliseconds(lease)} end, case when lost then hogsend.now() end
        from picked
        union all
        select id, endpoint_id, message_id, turn, 'pending', attempts,
          least(greatest(first_due, hogsend.now() + ${milliseconds(lease)}), hogsend.now() + interval '10 minutes'),
          null, null, null
        from ranked where first_due is not null
        on conflict (id) do update set (status, attempts, due_at, lease_id, lease_until, finished_at, last_error) = row
          (excluded.status, excluded.attempts, excluded.due_at, excluded.lease_id, excluded.lease_until,
          excluded.finished_at, case when excluded.status = 'dead' then ${lostError} else d.last_error end)
        returning d.id
      )
      select c.id, ${leaseId}::uuid as "leaseId", c.endpoint_id as "endpointId", c.message_id as "messageId",
        c.attempts - c.earlier_attempts + 1 as attempt, c.last_status as "lastStatus", c.body, c.trace, c.ordered, c.probe,
        facts.*,
        case when row_number() over () = 1 then
          (select array_agg(id) from ranked where first_due is not null)
        end as waiting
      from (
        select set_config('synchronous_commit', 'off', true), (select count(*) from claimed) as touched,
          exists (select from ranked where first_due is not null or lost) as more,
          (select extract(epoch from min(d.due_at) - hogsend.now())::float8 * 1000
            from hogsend.endpoints e cross join lateral (
              select due_at from hogsend.deliveries
              where endpoint_id = e.id and status = 'pending' and due_at > hogsend.now() order by due_at limit 1
            ) d
            where e.disabled_at is null) as "nextDue"
      ) facts left join (
        select p.*, m.body, m.trace from picked p left join lateral (
          select body, trace from hogsend.outbound_messages where id = p.message_id offset 0
        ) m on true where not p.lost
      ) c on true`
      const waiting = rows.flatMap((row) => row.waiting ?? [])
      // What is claimed is not given up for it: who is not called waits longer.
      if (waiting.length > 0) yield* Effect.ignore(callFirst(waiting))
      return rows
    }),

    /** Answers those that were written: who has lost its lease writes nothing. */
    finish: Effect.fnUntraced(function* (outcomes: ReadonlyArray<Outcome>, now: number) {
      const of = (oid: number, value: (outcome: Outcome) => unknown) => column(outcomes.map(value), oid)
      const written = yield* sql<{ id: string; ended: boolean } & Ended>`
      with outcome as materialized (
        select * from unnest(${of(uuid, ({ claimed }) => claimed.id)}, ${of(uuid, ({ claimed }) => claimed.leaseId)},
          ${of(bool, ({ claimed }) => claimed.ordered)}, ${of(text, ({ status }) => status)},
          ${of(float8, ({ delay }) => delay / 1000)}, ${of(bool, ({ counts }) => counts)},
          ${of(text, ({ error }) => error)}, ${of(int4, ({ sent }) => sent?.status ?? null)},
          ${of(text, ({ sent }) => sent?.answer ?? null)}, ${of(int4, ({ sent }) => sent?.duration ?? null)},
          ${of(float8, ({ sent }) => (sent === null ? null : (now - sent.startedAt) / 1000))})
          as o (id, lease, ordered, status, delay, counts, error, answer_status, answer, duration, age)
      ),
      held as materialized (
        select o.*, d.endpoint_id, d.message_id, d.contact_id, d.turn, d.attempts, d.due_at, d.last_status, d.last_error
        from outcome o cross join lateral (
          select * from hogsend.deliveries where id = o.id and lease_id = o.lease for no key update offset 0
        ) d
      ),
      finished as (
        insert into hogsend.deliveries as d (id, endpoint_id, message_id, turn, status, attempts, due_at, last_status,
          last_error, finished_at)
        select id, endpoint_id, message_id, turn, status, attempts - (not counts)::int,
          case when status = 'pending' then hogsend.now() + make_interval(secs => delay) else due_at end,
          case when counts then answer_status else last_status end, case when counts then error else coalesce(error, last_error) end,
          case when status <> 'pending' then hogsend.now() end
        from held
        on conflict (id) do update set (status, attempts, due_at, lease_id, lease_until, last_status, last_error,
          finished_at) = row (excluded.status, excluded.attempts, excluded.due_at, null, null, excluded.last_status,
          excluded.last_error, excluded.finished_at)
        returning d.id
      ),
      noted as (
        insert into hogsend.delivery_attempts (delivery_id, number, started_at, duration_ms, status, error, answer)
        select id, attempts, hogsend.now() - make_interval(secs => age), duration, answer_status, error, answer
        from held where age is not null and counts
        on conflict do nothing
      )
      select id, endpoint_id as "endpointId", contact_id as "contactId", turn, ordered and status <> 'pending' as ended
      from held join finished using (id)`
      const ended = written.filter((row) => row.ended)
      if (ended.length > 0) yield* Effect.retry(callNext(ended), { times: 3 })
      return written
    }),

    /** What waits for an endpoint that is disabled, and nobody is at. */
    discardOfDisabled: sql<{ id: string }>`
      insert into hogsend.deliveries as d (${names})
      select w.* from hogsend.endpoints e cross join lateral (
        select ${names} from hogsend.deliveries
        where endpoint_id = e.id and status = 'pending' and (lease_until is null or lease_until <= hogsend.now())
        limit 1000 for no key update skip locked
      ) w
      where e.disabled_at is not null
      on conflict (id) do update set (status, finished_at, lease_id, last_error) = row
        ('discarded', hogsend.now(), null, ${disabledError}) returning id`
  }
}

export type ClaimsRepo = ReturnType<typeof makeClaimsRepo>

const lostError = "The worker was lost in the last attempt, and in the ones before it nobody took the delivery."

const disabledError = "The endpoint is disabled."
