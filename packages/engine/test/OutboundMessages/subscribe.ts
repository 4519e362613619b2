/** Endpoints that subscribe, and what was written for them. */
import { PgClient } from "@effect/sql-pg"
import type { OutboundEventName } from "@hogsend/core"
import { Effect } from "effect"
import { newId } from "../../src/newId.ts"

/** An endpoint that is enabled and subscribes to these; answers its id. */
export const subscribe = Effect.fnUntraced(function* (...types: ReadonlyArray<OutboundEventName>) {
  const sql = yield* PgClient.PgClient
  const id = newId()
  yield* sql`
    insert into hogsend.endpoints (id, kind, url, event_types, ordering)
    values (${id}, 'webhook', 'https://example.com', ${types}::text[], 'contact')`
  return id
})

export interface Told {
  readonly id: string
  readonly type: OutboundEventName
  readonly contactId: string | null
  // Tests look into payloads of every shape; what they expect they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any
}

/** Every message, in the order of writing, with its `data`. */
export const told = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<Omit<Told, "data"> & { readonly body: string }>`
    select id, type, contact_id as "contactId", body from hogsend.outbound_messages order by id`
  return rows.map(({ body, ...row }): Told => ({ ...row, data: JSON.parse(body).data }))
})

/** What was told by the effect. */
export const telling = Effect.fnUntraced(function* <A, E, R>(doing: Effect.Effect<A, E, R>) {
  const before = new Set((yield* told).map(({ id }) => id))
  yield* doing
  return (yield* told).filter(({ id }) => !before.has(id))
})

export interface Delivery {
  readonly type: OutboundEventName
  readonly contactId: string | null
  readonly status: string
}

/** The deliveries to an endpoint, in the order of their turns. */
export const deliveriesTo = Effect.fnUntraced(function* (endpointId: string) {
  const sql = yield* PgClient.PgClient
  return yield* sql<Delivery>`
    select m.type, d.contact_id as "contactId", d.status
    from hogsend.deliveries d join hogsend.outbound_messages m on m.id = d.message_id
    where d.endpoint_id = ${endpointId} order by d.turn`
})
