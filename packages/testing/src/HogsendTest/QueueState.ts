/** Where the destination queue of a test's database stands: whether there is something to do, and when there will be. */
import type { PgClient } from "@effect/sql-pg"

export interface QueueState {
  /** A delivery is due, or on its way. */
  readonly busy: boolean
  /** Until the next one is due, in milliseconds. Null: none waits. */
  readonly nextIn: number | null
}

/**
 * Of the endpoints that are enabled. Where the deliveries of a contact have an order only the first one counts; it is due
 * when it was never tried, although who ended before it may not have called it yet. Whom an open breaker leaves alone waits
 * for that.
 */
export const queueState = (sql: PgClient.PgClient) => sql<QueueState>`
  with waiting as (
    select d.lease_id is not null as leased, greatest(h.retry_at, case
      when e.ordering = 'contact' and d.attempts = d.earlier_attempts and d.last_error is null
        then least(d.due_at, hogsend.now()) else d.due_at end) as due_at
    from hogsend.deliveries d
    join hogsend.endpoints e on e.id = d.endpoint_id and e.disabled_at is null
    left join hogsend.endpoint_health h on h.endpoint_id = e.id
    where d.status = 'pending' and not (e.ordering = 'contact' and d.contact_id is not null and exists (
      select from hogsend.deliveries
      where endpoint_id = e.id and contact_id = d.contact_id and status = 'pending' and turn < d.turn
    ))
  )
  select coalesce(bool_or(leased or due_at <= hogsend.now()), false) as busy,
    (extract(epoch from min(due_at) - hogsend.now()) * 1000)::float8 as "nextIn"
  from waiting`
