/**
 * What makes identity explainable and reversible: cuts between contacts that were split, when and by whose word a key came
 * to its contact, and which keys the analytics provider was told.
 */
export const sql = `
alter table hogsend.identity_keys
  drop constraint identity_keys_kind_check,
  -- Never validated: every older row passed the stricter check, and a scan would hold the table up.
  -- A key of the kind 'history' cannot be asserted. What hangs on it stays with its contact though the string has left it:
  -- an address that moved, or the keys of a contact that waits for its erasure. Its value is '$' and its id.
  add constraint identity_keys_kind_check
    check (kind in ('external', 'email', 'anonymous', 'contact', 'history')) not valid,
  -- When what put it at its contact happened: by the assertion's time, and of a contact's own id by the database's clock.
  add column placed_at timestamptz,
  -- The string was an erased person's: what happened before this is theirs, and refused.
  add column not_before timestamptz,
  -- The external key that the provider was told, at told_at, to join this one into.
  add column told_to uuid,
  -- Of a contact that waits for its erasure, the key as it was: { "kind", "value", "observed": whether it was nobody's }.
  add column former jsonb;

-- The order in which a split reads entries about a contact, which is locked when they are written: the clocks of several
-- processes would not do. Older entries have none, and go by their ids.
create sequence hogsend.identity_ledger_turn;
alter table hogsend.identity_ledger
  add column turn bigint,
  alter column turn set default nextval('hogsend.identity_ledger_turn');

-- A contact and everybody whom it absorbed.
create function hogsend.contact_line(contact_id uuid) returns setof uuid language sql stable as $$
  with recursive line as (
    select contact_line.contact_id as id
    union
    select c.id from hogsend.contacts c join line on c.merged_into = line.id
  )
  select id from line
$$;

create table hogsend.identity_cuts (
  id uuid primary key,
  contact_id uuid not null,
  other_contact_id uuid not null,
  actor text not null,
  actor_key_id uuid,
  created_at timestamptz not null default hogsend.now()
);
create index identity_cuts_contact on hogsend.identity_cuts (contact_id);
create index identity_cuts_other_contact on hogsend.identity_cuts (other_contact_id);
`
