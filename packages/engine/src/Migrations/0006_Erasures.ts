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

alter table hogsend.contacts
  drop column erased_at,
  -- Deleted for everybody but the operator, who can take it back until then.
  add column erase_after timestamptz;
create index contacts_waiting on hogsend.contacts (erase_after) where erase_after is not null;
create index identity_keys_former on hogsend.identity_keys ((former->>'value')) where former is not null;
`
