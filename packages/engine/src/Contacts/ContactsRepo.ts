/** The SQL of contacts: reading them as everybody sees them, and erasing them. */
import type { PgClient } from "@effect/sql-pg"
import { Contact, ContactId, type Page } from "@hogsend/core"
import { Effect, type Schema } from "effect"
import { type PublicProperty, visibleProperties } from "../contactProperties.ts"
import { oneRow } from "../Database.ts"
import { contactKeyOf, currentEmailOf, canonicalAnonymousOf, externalOf, type KeyState } from "../IdentityResolver.ts"
import { personalTables } from "../PersonalData.ts"

interface ContactRow {
  readonly id: string
  readonly properties: Readonly<Record<string, Schema.Json>>
  readonly publicProperties: Readonly<Record<string, PublicProperty>>
  readonly timezone: string | null
  readonly source: string | null
  readonly firstSeenAt: Date
  readonly lastSeenAt: Date
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A key by which a contact is named: one that a request asserts, or the contact's own id. */
export type OwnedKey = Pick<KeyState, "kind" | "value">

export interface Owner {
  readonly keyId: string
  /** Null: a visitor who was only observed. */
  readonly contactId: string | null
}

export const makeContactsRepo = (sql: PgClient.PgClient) => {
  const columns = sql.literal(`c.id, c.properties, c.public_properties as "publicProperties", c.timezone, c.source,
    c.first_seen_at as "firstSeenAt", c.last_seen_at as "lastSeenAt", c.created_at as "createdAt",
    c.updated_at as "updatedAt"`)

  const withKeys = Effect.fnUntraced(function* (rows: ReadonlyArray<ContactRow>) {
    const keys =
      rows.length === 0
        ? []
        : yield* sql<KeyState>`
      select id, kind, value, contact_id as "contactId", certified,
        (extract(epoch from first_asserted_at) * 1000000)::float8 as "firstAssertedAt",
        (extract(epoch from preferred_at) * 1000000)::float8 as "preferredAt"
      from hogsend.identity_keys where contact_id = any(${rows.map(({ id }) => id)}::uuid[])`
    const byContact = Map.groupBy(keys, (key) => key.contactId)
    return rows.map((row) => toContact(row, byContact.get(row.id) ?? []))
  })

  /** Contacts that are somebody, and whose keys begin with `search`. */
  const matching = (search: string | undefined) => {
    if (search === undefined || search === "") return sql`c.merged_into is null`
    const prefix = `${search.replace(/[\\%_]/g, "\\$&")}%`
    return sql`c.merged_into is null and c.id in (
      select contact_id from hogsend.identity_keys where kind <> 'email' and value like ${prefix}
      union
      select contact_id from hogsend.identity_keys where kind = 'email' and value like ${prefix.toLowerCase()})`
  }

  return {
    /** Newest first. */
    load: (ids: ReadonlyArray<string>) =>
      sql<ContactRow>`
      select ${columns} from hogsend.contacts c where c.id = any(${ids}::uuid[]) order by c.id desc`.pipe(
        Effect.flatMap(withKeys)
      ),

    list: ({ limit, offset }: Page, search: string | undefined) =>
      sql<ContactRow>`
      select ${columns} from hogsend.contacts c where ${matching(search)}
      order by c.id desc limit ${limit} offset ${offset}`.pipe(Effect.flatMap(withKeys)),

    count: (search: string | undefined) =>
      sql<{ total: number }>`
      select count(*)::int as total from hogsend.contacts c where ${matching(search)}`.pipe(
        Effect.flatMap(oneRow),
        Effect.map(({ total }) => total)
      ),

    /** The contact that has this id now: its own, or the one that it was merged into. */
    ownerOf: (id: ContactId) => sql<{ contactId: string }>`
      select contact_id as "contactId" from hogsend.identity_keys
      where kind = 'contact' and value = ${id}::uuid::text and contact_id is not null`,

    /** Whose these keys are now: a contact's, or nobody's yet. */
    owners: (keys: ReadonlyArray<OwnedKey>) => sql<Owner>`
      select id as "keyId", contact_id as "contactId" from hogsend.identity_keys
      where (kind <> 'email' and value = any(${valuesOf(keys, false)}::text[]))
        or (kind = 'email' and value = any(${valuesOf(keys, true)}::text[]))
      order by id`,

    /** The contact and everybody whom it absorbed, locked in the order that the whole product uses. */
    lockLine: (contactId: string) => sql<{ id: string }>`
      with recursive line as (
        select ${contactId}::uuid as id
        union
        select c.id from hogsend.contacts c join line on c.merged_into = line.id
      )
      select c.id from hogsend.contacts c where c.id in (select id from line) order by c.id for no key update`,

    keysOf: (contactId: string) => sql<{ id: string }>`
      select id from hogsend.identity_keys where contact_id = ${contactId}`,

    /** An event that was observed under one of the keys may be on its way: it arrives first. */
    lockKeys: (keyIds: ReadonlyArray<string>) => sql<Owner>`
      select id as "keyId", contact_id as "contactId" from hogsend.identity_keys
      where id = any(${keyIds}::uuid[]) order by id for update`,

    /** The idempotency keys of the keys' events; answers those that it deleted. */
    eraseIdempotencyKeys: (keyIds: ReadonlyArray<string>) => sql<{ key: string }>`
      delete from hogsend.idempotency_keys
      where event_id in (select id from hogsend.events where key_id = any(${keyIds}::uuid[])) returning key`,

    /** Everything else that hangs on the keys or names the contacts, and at last these. */
    eraseAll: Effect.fnUntraced(function* (contactIds: ReadonlyArray<string>, keyIds: ReadonlyArray<string>) {
      for (const { column, table } of personalTables.filter(({ survivesErasure }) => survivesErasure !== true)) {
        const ids = column === "key_id" ? keyIds : contactIds
        yield* sql`delete from ${sql.literal(`hogsend.${table}`)} where ${sql.literal(column)} = any(${ids}::uuid[])`
      }
      yield* sql`delete from hogsend.identity_keys where id = any(${keyIds}::uuid[])`
      yield* sql`delete from hogsend.contacts where id = any(${contactIds}::uuid[])`
    })
  }
}

const valuesOf = (keys: ReadonlyArray<OwnedKey>, email: boolean) =>
  keys.filter(({ kind }) => (kind === "email") === email).map(({ value }) => value)

const toContact = (row: ContactRow, keys: ReadonlyArray<KeyState>): Contact => {
  const state = { id: row.id, keys }
  const { properties, publicProperties, ...rest } = row
  return new Contact({
    ...rest,
    ...contactKeyOf(state),
    id: ContactId.make(row.id),
    externalId: externalOf(state)?.value ?? null,
    email: currentEmailOf(state)?.value ?? null,
    anonymousId: canonicalAnonymousOf(state)?.value ?? null,
    properties: visibleProperties({ properties, publicProperties })
  })
}
