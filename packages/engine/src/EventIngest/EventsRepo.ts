/** The SQL of taking events in. */
import type { PgClient } from "@effect/sql-pg"
import type { Properties, VouchedBy } from "@hogsend/core"

export interface EventRow {
  readonly id: string
  readonly keyId: string
  readonly name: string
  readonly properties: Properties
  readonly value: number | null
  readonly currency: string | null
  readonly groups: Readonly<Record<string, string>> | null
  readonly source: string
  readonly vouchedBy: VouchedBy
  readonly idempotencyKey: string | null
  readonly occurredAt: Date
}

export const makeEventsRepo = (sql: PgClient.PgClient) => ({
  insert: (event: EventRow) => sql`
    insert into hogsend.events (id, key_id, name, properties, value, currency, groups, source, vouched_by,
      idempotency_key, occurred_at)
    values (${event.id}, ${event.keyId}, ${event.name}, ${sql.json(event.properties)},
      ${event.value === null ? null : String(event.value)}::text::numeric, ${event.currency},
      ${event.groups === null ? null : JSON.stringify(event.groups)}::jsonb, ${event.source}, ${event.vouchedBy},
      ${event.idempotencyKey}, ${event.occurredAt})`,

  /** Answers a row when the key was won; waits for a transaction that is claiming it. */
  claimIdempotencyKey: (claim: {
    readonly scope: string
    readonly key: string
    readonly fingerprint: string
    readonly eventId: string
  }) => sql<{ key: string }>`
    insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
    values (${claim.scope}, ${claim.key}, ${claim.fingerprint}, ${claim.eventId})
    on conflict do nothing returning key`,

  findIdempotencyKey: (scope: string, key: string) => sql<{ fingerprint: string }>`
    select fingerprint from hogsend.idempotency_keys where scope = ${scope} and key = ${key}`
})
