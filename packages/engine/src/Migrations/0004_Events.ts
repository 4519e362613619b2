/** Events, the idempotency keys that they were sent with, and the warnings about what was refused of them. */
export const sql = `
create table hogsend.events (
  -- uuid v7: in the order of arrival.
  id uuid primary key,
  key_id uuid not null,
  name text collate "C" not null,
  properties jsonb not null default '{}',
  value numeric,
  currency text,
  groups jsonb,
  source text not null,
  vouched_by text not null check (vouched_by in ('server', 'user', 'device', 'public')),
  idempotency_key text,
  occurred_at timestamptz not null,
  received_at timestamptz not null default hogsend.now()
);
create index events_key on hogsend.events (key_id, id);
create index events_name on hogsend.events (name, id);

create table hogsend.idempotency_keys (
  scope text collate "C" not null,
  key text collate "C" not null,
  fingerprint text not null,
  event_id uuid not null,
  created_at timestamptz not null default hogsend.now(),
  primary key (scope, key)
);
-- Rows arrive in the order of time, and the oldest are looked for to delete them: a tiny index is enough.
create index idempotency_keys_age on hogsend.idempotency_keys using brin (created_at);
create index idempotency_keys_event on hogsend.idempotency_keys (event_id);

create table hogsend.warnings (
  id uuid primary key,
  code text collate "C" not null,
  hint text not null,
  key_kind text,
  key_value text,
  source text,
  contact_id uuid,
  occurred_at timestamptz not null default hogsend.now()
);
create index warnings_age on hogsend.warnings using brin (occurred_at);
create index warnings_code on hogsend.warnings (code, id);
create index warnings_contact on hogsend.warnings (contact_id) where contact_id is not null;
`
