/**
 * Contacts as the engine would have stored them: each with its own id, an external id, an email and two anonymous ids as
 * keys, and one event. The keys are functions of the contact's number, so that whoever draws a number knows them.
 *
 * A person first came as an anonymous visitor, then signed up, then came from a second device: so the keys of one contact
 * stand in three places of the table and not side by side.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import { hash } from "node:crypto"

/** The keys of the contact with this number, from 1 on. */
export const keysOf = (contact: number) => ({
  external: `user_${contact}`,
  email: `user_${contact}@example.com`,
  anonymous: hash("md5", `${contact} first`)
})

/** Into an empty database; afterwards it is as it would be at rest: with statistics, vacuumed, written to its files. */
export const fillContacts = Effect.fnUntraced(function* (contacts: number) {
  const sql = yield* PgClient.PgClient
  const anonymousKeys = (which: string) => sql`
    insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by)
    select uuidv7(), 'anonymous', md5(n || ${` ${which}`}), contact, 'public' from person order by n`
  yield* Effect.gen(function* () {
    yield* sql`create temporary table person on commit drop as
      select n, uuidv7() as contact, uuidv7() as external from generate_series(1, ${contacts}::int) as n`
    yield* anonymousKeys("first")
    yield* sql`insert into hogsend.contacts (id, source) select contact, 'api' from person order by n`
    yield* sql`
      insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by, preferred_at)
      select key.id, key.kind, key.value, contact, 'server', case when key.kind = 'email' then hogsend.now() end
      from person, lateral (values (uuidv7(), 'contact', contact::text), (external, 'external', 'user_' || n),
        (uuidv7(), 'email', 'user_' || n || '@example.com')) as key (id, kind, value)
      order by n`
    yield* anonymousKeys("second")
    yield* sql`
      insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
      select uuidv7(), external, 'signed_up', 'api', 'server', hogsend.now() from person order by n`
  }).pipe(sql.withTransaction)
  yield* sql`vacuum (analyze)`
  yield* sql`checkpoint`
})
