/**
 * Contacts, the keys that name them, and the ledger of every change of identity.
 *
 * One string has one owner: external ids, anonymous ids and contact ids share one unique index on `value`, emails have
 * their own. History hangs on keys, and `contact_id` alone says whose a key is.
 */
export const sql = `
create table hogsend.contacts (
  id uuid primary key,
  properties jsonb not null default '{}',
  -- What browsers without a token wrote: { name: { "value": …, "keyId": … } }. It shadows properties of the same name
  -- (null hides one), and is dropped when the key that it was written under turns out to be somebody's user id.
  public_properties jsonb not null default '{}',
  timezone text,
  source text,
  first_seen_at timestamptz not null default hogsend.now(),
  last_seen_at timestamptz not null default hogsend.now(),
  created_at timestamptz not null default hogsend.now(),
  updated_at timestamptz not null default hogsend.now(),
  merged_into uuid,
  erased_at timestamptz
);

create table hogsend.identity_keys (
  id uuid primary key,
  kind text not null check (kind in ('external', 'email', 'anonymous', 'contact')),
  value text collate "C" not null,
  -- Null: a visitor who was only observed.
  contact_id uuid,
  certified boolean not null default false,
  first_asserted_at timestamptz not null default hogsend.now(),
  asserted_by text not null,
  -- Emails: when it was last asserted together with the contact's strongest key. Mail goes to the latest.
  preferred_at timestamptz,
  told_at timestamptz
);
create unique index identity_keys_one_owner on hogsend.identity_keys (value) where kind <> 'email';
create unique index identity_keys_one_email on hogsend.identity_keys (value) where kind = 'email';
create index contacts_merged_into on hogsend.contacts (merged_into) where merged_into is not null;
create index identity_keys_contact on hogsend.identity_keys (contact_id) where contact_id is not null;

create table hogsend.identity_ledger (
  id uuid primary key,
  occurred_at timestamptz not null default hogsend.now(),
  action text not null,
  rule text not null,
  contact_id uuid,
  other_contact_id uuid,
  key_id uuid,
  asserted_by text not null,
  actor text not null,
  actor_key_id uuid,
  before jsonb,
  after jsonb
);
create index identity_ledger_contact on hogsend.identity_ledger (contact_id);
create index identity_ledger_other_contact on hogsend.identity_ledger (other_contact_id)
  where other_contact_id is not null;
create index identity_ledger_key on hogsend.identity_ledger (key_id) where key_id is not null;
`
