/**
 * The SQL of one event, in one transaction: what the hand-written peer runs, and pgbench the same without the peer.
 *
 * Parameters have names, `:userId`; `positional` makes the peer's `$1` of them, and pgbench has its own.
 */

export const statements = {
  findContact: `
    select k.id as "keyId", c.id as "contactId", c.last_seen_at < hogsend.now() - interval '1 minute' as unseen
    from hogsend.identity_keys k join hogsend.contacts c on c.id = k.contact_id
    where k.value = :userId and k.kind <> 'email'`,

  /** Answers no row for an event that was stored before. */
  claimIdempotencyKey: `
    insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
    values ('server', :idempotencyKey, :fingerprint, uuidv7())
    on conflict do nothing returning event_id as "eventId"`,

  /** The contact with its two keys and what the ledger says of them. Answers no row when somebody else was faster. */
  createContact: `
    with contact as (
      insert into hogsend.contacts (id, properties, source)
      values (uuidv7(), coalesce(:patch::jsonb, '{}'), 'api') returning id
    ), keys as (
      insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by, placed_at)
      select uuidv7(), key.kind, key.value, contact.id, 'server', hogsend.now()
      from contact, lateral (values ('contact', contact.id::text), ('external', :userId)) as key (kind, value)
      on conflict do nothing returning id, kind, contact_id
    ), ledger as (
      insert into hogsend.identity_ledger (id, action, rule, contact_id, key_id, asserted_by, actor)
      select uuidv7(), case kind when 'contact' then 'created' else 'linked' end,
        case kind when 'contact' then 'no_contact_yet' else 'new_key' end, contact_id,
        case kind when 'contact' then null else id end, 'server', 'bench'
      from keys
    )
    select id as "keyId" from keys where kind = 'external'`,

  updateContact: `
    update hogsend.contacts set properties = jsonb_strip_nulls(properties || coalesce(:patch::jsonb, '{}')),
      last_seen_at = hogsend.now(), updated_at = hogsend.now()
    where id = :contactId`,

  insertEvent: `
    insert into hogsend.events (id, key_id, name, properties, source, vouched_by, idempotency_key, occurred_at)
    values (coalesce(:eventId::uuid, uuidv7()), :keyId, :name, coalesce(:properties::jsonb, '{}'), 'api', 'server',
      :idempotencyKey, coalesce(:timestamp::timestamptz, hogsend.now()))`
}

const parameter = /(?<!:):([a-z]\w*)/gi

/** With `$1` and so on for the parameters, and their names in that order. */
export const positional = (sql: string): { readonly text: string; readonly names: ReadonlyArray<string> } => {
  const names = [...new Set([...sql.matchAll(parameter)].map(([, name = ""]) => name))]
  return { text: sql.replaceAll(parameter, (_, name: string) => `$${names.indexOf(name) + 1}`), names }
}

/** With an expression in the place of each parameter. */
export const filledIn = (sql: string, expressions: Readonly<Record<string, string>>): string =>
  sql.replaceAll(parameter, (whole, name: string) => expressions[name] ?? whole)
