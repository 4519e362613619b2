/** The real resolver on a database of its own, with an event stored in every request, and the store as it is read back. */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { AnalyticsProvider, Properties } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Layer, Redacted } from "effect"
import { type PublicProperty, visibleProperties } from "../../src/contactProperties.ts"
import { AuditLogs } from "../../src/AuditLogs.ts"
import { Sealing } from "../../src/Sealing.ts"
import { Tombstones } from "../../src/Tombstones.ts"
import { IdentityResolver, type IdentityResolverOptions, type Resolution } from "../../src/IdentityResolver.ts"
import type { Assertion, ContactState, KeyState } from "../../src/IdentityResolver/snapshot.ts"
import { newId } from "../../src/newId.ts"
import { nobody } from "../analyticsPlatform.ts"
import { unheard } from "../OutboundMessages/unheard.ts"

export interface Stored {
  readonly eventId: string
  /** Taken while everything that the request is about is locked: where it stands among those that it met. */
  readonly turn: number
}

export interface Saying {
  readonly properties?: Properties
  readonly timezone?: string | null | undefined
  readonly occurredAt?: Date
  readonly source?: string
}

export interface Contact {
  readonly id: string
  readonly properties: Properties
  readonly publicProperties: Readonly<Record<string, PublicProperty>>
  readonly timezone: string | null
  readonly source: string | null
  readonly firstSeenAt: Date
  readonly lastSeenAt: Date
  readonly mergedInto: string | null
}

export interface LedgerRow {
  readonly action: string
  readonly rule: string
  readonly contactId: string | null
  readonly otherContactId: string | null
  readonly keyId: string | null
  readonly assertedBy: string
  readonly actor: string | null
  readonly before: Properties | null
  readonly after: Properties | null
}

export const database = (maxConnections: number) =>
  Layer.unwrap(
    Effect.map(TestDatabase.create, ({ url }) => PgClient.layer({ url: Redacted.make(url), maxConnections }))
  ).pipe(Layer.orDie)

/** The resolver over a fresh database with a pool of this size, and an analytics provider when one is given. */
export const resolverLayer = ({
  analytics = nobody,
  ...options
}: IdentityResolverOptions & {
  readonly maxConnections: number
  readonly analytics?: Layer.Layer<AnalyticsProvider>
}) =>
  IdentityResolver.layer(options).pipe(
    Layer.provideMerge(Layer.mergeAll(AuditLogs.layer, unheard, analytics, Layer.orDie(Tombstones.layer))),
    Layer.provide(Sealing.layer({ secrets: [Redacted.make("a secret that is long enough to seal things with")] })),
    Layer.provideMerge(database(options.maxConnections))
  )

export const makeSqlStore = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const resolver = yield* IdentityResolver

  yield* sql`create sequence if not exists public.turns`

  const storeEvent = (keyId: string, vouchedBy: string) => {
    const id = newId()
    return Effect.map(
      sql<{ turn: number }>`
        insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
        values (${id}, ${keyId}, 'happened', 'test', ${vouchedBy}, now()) returning nextval('public.turns')::int as turn`,
      ([row]) => ({ eventId: id, turn: row?.turn ?? 0 })
    )
  }

  const keys = sql<KeyState>`
    select id, kind, value, contact_id as "contactId", certified,
      (extract(epoch from first_asserted_at) * 1000000)::float8 as "firstAssertedAt",
      (extract(epoch from preferred_at) * 1000000)::float8 as "preferredAt", told_to as "toldTo"
    from hogsend.identity_keys`

  const contact = (id: string) =>
    Effect.map(
      sql<Contact>`
        select id, properties, public_properties as "publicProperties", timezone, source, merged_into as "mergedInto",
          first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt"
        from hogsend.contacts where id = ${id}`,
      ([row]) => {
        if (row === undefined) throw new Error(`No contact ${id}`)
        return { ...row, visible: visibleProperties(row) }
      }
    )

  return {
    sql,
    resolver,
    /** Resolves, and stores an event under the key that what was sent hangs on. */
    say: (assertion: Assertion, { occurredAt = new Date(), properties, source = "api", timezone }: Saying = {}) =>
      resolver.resolve(
        assertion,
        { actor: { name: "a test", keyId: null }, source },
        {
          occurredAt,
          properties,
          timezone,
          write: (resolution) =>
            Effect.map(storeEvent(resolution.keyId, assertion.vouchedBy), (stored): Resolution & Stored => ({
              ...resolution,
              ...stored
            }))
        }
      ),
    keys,
    contact,
    /** Whose the events are now, by the keys that they hang on. */
    ownerOfEvent: (eventId: string) =>
      Effect.map(
        sql<{ contactId: string | null }>`
          select k.contact_id as "contactId" from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id
          where e.id = ${eventId}`,
        ([row]) => row?.contactId
      ),
    /** Oldest first. */
    ledger: (contactId: string) => sql<LedgerRow>`
      select action, rule, contact_id as "contactId", other_contact_id as "otherContactId", key_id as "keyId",
        asserted_by as "assertedBy", actor, before, after
      from hogsend.identity_ledger where contact_id = ${contactId} or other_contact_id = ${contactId} order by id`,
    /** Every contact that is somebody, with its keys. */
    living: Effect.gen(function* () {
      const rows = yield* sql<{ id: string }>`select id from hogsend.contacts where merged_into is null`
      const byContact = Map.groupBy(yield* keys, ({ contactId }) => contactId)
      return rows.map(({ id }): ContactState => ({ id, firstSeenAt: 0, keys: byContact.get(id) ?? [] }))
    }),
    /** Another answer when anything at all is stored or changed. */
    everything: Effect.map(
      sql<{ all: string }>`
        select concat(
          (select string_agg(t::text, ';' order by id) from hogsend.contacts t),
          (select string_agg(t::text, ';' order by id) from hogsend.identity_keys t),
          (select string_agg(t::text, ';' order by id) from hogsend.identity_ledger t),
          (select string_agg(t::text, ';' order by id) from hogsend.identity_cuts t),
          (select string_agg(t::text, ';' order by id) from hogsend.audit_logs t),
          (select string_agg(t::text, ';' order by id) from hogsend.events t),
          (select string_agg(t::text, ';' order by id) from hogsend.warnings t),
          (select string_agg(t::text, ';') from hogsend.idempotency_keys t)) as all`,
      ([row]) => row?.all
    ),
    clear: sql`
      truncate hogsend.contacts, hogsend.identity_keys, hogsend.identity_ledger, hogsend.events, hogsend.warnings,
        hogsend.warning_counts, hogsend.idempotency_keys, hogsend.identity_cuts, hogsend.tombstones,
        hogsend.outbound_messages`
  }
})

export type SqlStore = Effect.Success<typeof makeSqlStore>
