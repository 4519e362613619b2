/**
 * People who left: receipts, and tombstones that keep late arrivals from starting them again.
 *
 * A tombstone knows a key only by its HMAC under a data key, which is kept sealed.
 */
export const sql = `
create table hogsend.data_keys (
  purpose text primary key,
  sealed text not null,
  created_at timestamptz not null default hogsend.now()
);

create table hogsend.tombstones (
  -- HMAC-SHA256 of the key's namespace and value.
  mac bytea primary key,
  erased_at timestamptz not null
);

create table hogsend.erasures (
  id uuid primary key,
  -- Of a visitor who was only observed: null.
  contact_id uuid,
  status text not null check (status in ('pending', 'done', 'cancelled')),
  actor text not null,
  actor_key_id uuid,
  requested_at timestamptz not null default hogsend.now(),
  -- When everything is deleted, or was.
  due_at timestamptz not null,
  ended_at timestamptz,
  -- Rows deleted, by table.
  removed jsonb
);
create index erasures_pending on hogsend.erasures (due_at) where status = 'pending';
create index erasures_contact on hogsend.erasures (contact_id);

-- Who is out of everybody's reach: contacts that wait for their erasure, and everybody whom they absorbed.
create function hogsend.waiting_contacts() returns setof uuid language sql stable as $$
  select hogsend.contact_line(contact_id) from hogsend.erasures
  where status = 'pending' and contact_id is not null
$$;

alter table hogsend.contacts
  drop column erased_at,
  -- Deleted for everybody but the operator, who can take it back until then.
  add column erase_after timestamptz;
`
