/** The events that are stored, for operators: a list, and the vocabulary of names. Taking events in is `EventIngest`'s. */
import { PgClient } from "@effect/sql-pg"
import { type ContactId, type DatabaseUnavailable, Event, type Page } from "@hogsend/core"
import { Context, Effect, Layer } from "effect"
import { oneRow, orUnavailable } from "./Database.ts"

export interface EventFilter {
  readonly name?: string | undefined
  /** A contact's id, also of one that was merged away. */
  readonly contactId?: ContactId | undefined
}

export interface EventName {
  readonly name: string
  readonly lastSeenAt: Date
}

export class Events extends Context.Service<
  Events,
  {
    /** Newest first. */
    readonly list: (
      page: Page,
      filter: EventFilter
    ) => Effect.Effect<{ readonly events: ReadonlyArray<Event>; readonly total: number }, DatabaseUnavailable>
    /** In alphabetical order; at most 10,000. */
    readonly names: Effect.Effect<ReadonlyArray<EventName>, DatabaseUnavailable>
  }
>()("engine/Events") {
  static readonly layer = Layer.effect(
    Events,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient

      /** Not of a contact that waits for its erasure. */
      const visible = sql`e.key_id not in (
        select id from hogsend.identity_keys where contact_id in (select hogsend.waiting_contacts()))`

      const where = ({ contactId, name }: EventFilter) =>
        sql.and([
          visible,
          name === undefined ? sql`true` : sql`e.name = ${name}`,
          contactId === undefined
            ? sql`true`
            : sql`e.key_id in (
                select k.id from hogsend.identity_keys k
                join hogsend.identity_keys own on own.kind = 'contact' and own.value = ${contactId}::uuid::text
                where k.contact_id = own.contact_id)`
        ])

      const list = Effect.fn("Events.list")(function* ({ limit, offset }: Page, filter: EventFilter) {
        const rows = yield* sql<typeof Event.Type>`
          select e.id, e.name, k.contact_id as "contactId", e.source, e.vouched_by as "vouchedBy", e.properties,
            e.value::float8 as value, e.currency, e.groups, e.idempotency_key as "idempotencyKey",
            e.occurred_at as "occurredAt", e.received_at as "receivedAt",
            coalesce(
              (select value from hogsend.identity_keys x where x.contact_id = k.contact_id and x.kind = 'external'
                order by preferred_at desc nulls last, first_asserted_at, value limit 1),
              (select value from hogsend.identity_keys x where x.contact_id = k.contact_id and x.kind = 'anonymous'
                order by first_asserted_at, value limit 1),
              k.contact_id::text,
              k.value
            ) as "contactKey"
          from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id
          where ${where(filter)}
          order by e.id desc limit ${limit} offset ${offset}`
        const { total } = yield* Effect.flatMap(
          sql<{ total: number }>`select count(*)::int as total from hogsend.events e where ${where(filter)}`,
          oneRow
        )
        return { events: rows.map((row) => new Event(row)), total }
      }, orUnavailable)

      // Hops from name to name along the index, so that it costs the same at a thousand events and at a billion.
      const names = sql<EventName>`
        with recursive hops as (
          (select e.name from hogsend.events e where ${visible} order by e.name limit 1)
          union all
          select (select e.name from hogsend.events e where e.name > hops.name and ${visible} order by e.name limit 1)
          from hops where hops.name is not null
        )
        select name,
          (select e.received_at from hogsend.events e where e.name = hops.name and ${visible} order by e.id desc limit 1) as "lastSeenAt"
        from hops where name is not null limit 10000`.pipe(orUnavailable, Effect.withSpan("Events.names"))

      return Events.of({ list, names })
    })
  )
}
