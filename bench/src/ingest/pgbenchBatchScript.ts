/**
 * The script with which pgbench stores a batch: the rows of as many single events, with a few statements that take arrays.
 *
 * Who the events are about follows from their places and a number that the client draws. What a statement found goes to
 * the client and comes back with the next one, as it would through any program. Contacts are updated in one order.
 */
import { contactProperties, eventProperties, traffic } from "./traffic.ts"

/** The places of events in a batch: those about new people come last, and few of the others say something of the person. */
const placesOf = (batch: number) => {
  const all = Array.from({ length: batch }, (_, at) => at + 1)
  const known = Math.round(batch * (1 - traffic.newShare))
  return {
    all,
    known: all.slice(0, known),
    patched: all.slice(0, Math.round(known * traffic.patchShare)),
    fresh: all.slice(known),
    idempotent: all.slice(0, Math.round(batch * traffic.idempotentShare))
  }
}

const user = `'user_' || (1 + (:random::bigint + at * 7919) % ${traffic.known})`
const idempotencyKey = "md5(:random::text || at)"

export const pgbenchBatchScript: string = [
  // Small enough for a place to be added to it.
  "\\set random random(1, 9000000000000000)",
  "begin;",
  `select array_agg(k.id order by at) as known_ids, array_agg(k.contact_id order by at) as contact_ids
    from unnest(:known::int[]) as at join hogsend.identity_keys k on k.value = ${user} and k.kind <> 'email' \\gset`,
  `insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
    select 'server', ${idempotencyKey}, :fingerprint, uuidv7() from unnest(:idempotent::int[]) as at order by 2
    on conflict do nothing;`,
  `with fresh as (select at, uuidv7() as id from unnest(:fresh::int[]) as at
    ), contacts as (
      insert into hogsend.contacts (id, source) select id, 'api' from fresh
    ), keys as (
      insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by, placed_at)
      select uuidv7(), key.kind, key.value, fresh.id, 'server', hogsend.now()
      from fresh, lateral (values ('contact', fresh.id::text), ('external', 'new_' || :random::text || '_' || at))
        as key (kind, value)
      on conflict do nothing returning id, kind, contact_id
    ), ledger as (
      insert into hogsend.identity_ledger (id, action, rule, contact_id, key_id, asserted_by, actor)
      select uuidv7(), case kind when 'contact' then 'created' else 'linked' end,
        case kind when 'contact' then 'no_contact_yet' else 'new_key' end, contact_id,
        case kind when 'contact' then null else id end, 'server', 'bench'
      from keys
    )
    select array_agg(id) as fresh_ids from keys where kind = 'external' \\gset`,
  `update hogsend.contacts c set properties = c.properties || :patch::jsonb, last_seen_at = hogsend.now(),
      updated_at = hogsend.now()
    from (select id from hogsend.contacts where id = any((:contact_ids::uuid[])[1:(:patched)::int]) order by id for no key update)
      as locked
    where c.id = locked.id;`,
  `insert into hogsend.events (id, key_id, name, properties, source, vouched_by, idempotency_key, occurred_at)
    select uuidv7(), key_id, 'order_placed', properties, 'api', 'server', ${idempotencyKey}, hogsend.now()
    from unnest(:known_ids::uuid[] || :fresh_ids::uuid[], :properties::text[]::jsonb[]) with ordinality
      as event (key_id, properties, at);`,
  "commit;"
]
  .map((statement) => `${statement.replaceAll(/\s+/g, " ")}\n`)
  .join("")

const arrayOf = (values: ReadonlyArray<string | number>): string =>
  `{${values.map((value) => (typeof value === "number" ? value : JSON.stringify(value))).join(",")}}`

/** What the script takes as variables, for batches of this size. */
export const pgbenchBatchVariables = (batch: number) => {
  const { all, fresh, idempotent, known, patched } = placesOf(batch)
  return {
    known: arrayOf(known),
    fresh: arrayOf(fresh),
    idempotent: arrayOf(idempotent),
    patched: String(patched.length),
    properties: arrayOf(all.map(() => eventProperties)),
    patch: contactProperties,
    fingerprint: "0".repeat(64)
  }
}
