/** The SQL of contacts: reading them as everybody sees them. */
import type { PgClient } from "@effect/sql-pg"
import { Contact, type ContactId, type Page } from "@hogsend/core"
import { Effect } from "effect"
import { oneRow } from "../Database.ts"
import { type DatedRow, type KeyState, publicContact } from "../IdentityResolver.ts"

export const makeContactsRepo = (sql: PgClient.PgClient) => {
  const columns = sql.literal(`c.id, c.properties, c.public_properties as "publicProperties", c.timezone, c.source,
    c.first_seen_at as "firstSeenAt", c.last_seen_at as "lastSeenAt", c.created_at as "createdAt",
    c.updated_at as "updatedAt"`)

  const withKeys = Effect.fnUntraced(function* (rows: ReadonlyArray<DatedRow>) {
    const keys =
      rows.length === 0
        ? []
        : yield* sql<KeyState>`
      select id, coalesce(former->>'kind', kind) as kind, coalesce(former->>'value', value) as value,
        contact_id as "contactId", certified,
        (extract(epoch from first_asserted_at) * 1000000)::float8 as "firstAssertedAt",
        (extract(epoch from preferred_at) * 1000000)::float8 as "preferredAt"
      from hogsend.identity_keys where contact_id = any(${rows.map(({ id }) => id)}::uuid[])`
    const byContact = Map.groupBy(keys, (key) => key.contactId)
    return rows.map((row) => new Contact(publicContact(row, byContact.get(row.id) ?? [])))
  })

  /** Contacts that are somebody and can be seen, and whose keys begin with `search`. */
  const matching = (search: string | undefined) => {
    const visible = sql`c.merged_into is null and c.erase_after is null`
    if (search === undefined || search === "") return visible
    const prefix = `${search.replace(/[\\%_]/g, "\\$&")}%`
    return sql`${visible} and c.id in (
      select contact_id from hogsend.identity_keys where kind <> 'email' and kind <> 'history' and value like ${prefix}
      union
      select contact_id from hogsend.identity_keys where kind = 'email' and value like ${prefix.toLowerCase()})`
  }

  return {
    /** Newest first. */
    load: (ids: ReadonlyArray<string>) =>
      sql<DatedRow>`
      select ${columns} from hogsend.contacts c where c.id = any(${ids}::uuid[]) order by c.id desc`.pipe(
        Effect.flatMap(withKeys)
      ),

    list: ({ limit, offset }: Page, search: string | undefined) =>
      sql<DatedRow>`
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

    /** The same, also of a contact that waits for its erasure. */
    ownerEverOf: (id: ContactId) => sql<{ contactId: string }>`
      select contact_id as "contactId" from hogsend.identity_keys
      where kind = 'contact' and value = ${id}::uuid::text
      union all
      select contact_id from hogsend.identity_keys
      where contact_id in (select hogsend.waiting_contacts())
        and former->>'value' = ${id}::uuid::text and former->>'kind' = 'contact'`
  }
}
