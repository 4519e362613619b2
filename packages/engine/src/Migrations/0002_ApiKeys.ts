/** API keys, the epoch that every change of one bumps, and the audit log. */
export const sql = `
create table hogsend.api_keys (
  id uuid primary key,
  name text not null,
  key_prefix text not null,
  key_hash text not null unique,
  scopes text[] not null,
  allowed_origins text[],
  created_by text,
  last_used_at timestamptz,
  revoked_at timestamptz,
  expires_at timestamptz,
  -- What it was rotated to.
  successor_id uuid,
  created_at timestamptz not null default hogsend.now()
);

create table hogsend.key_epoch (
  one boolean primary key default true check (one),
  epoch bigint not null
);
insert into hogsend.key_epoch (epoch) values (1);

-- A trigger, so that a key revoked by hand in SQL is refused everywhere within a second too.
create function hogsend.bump_key_epoch() returns trigger language plpgsql as $$
begin
  update hogsend.key_epoch set epoch = epoch + 1;
  return null;
end $$;

create trigger api_keys_epoch
  after insert or delete or update of key_hash, name, scopes, allowed_origins, revoked_at, expires_at
  on hogsend.api_keys
  for each statement execute function hogsend.bump_key_epoch();

create table hogsend.audit_logs (
  id uuid primary key,
  actor text not null,
  actor_key_id uuid,
  action text not null,
  resource text not null,
  resource_id text,
  occurred_at timestamptz not null default hogsend.now()
);
`
