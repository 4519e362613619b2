/**
 * Endpoints: where outbound events go.
 *
 * What signs and what a config says is sealed; of a config the names stand beside it, since they are what answers show.
 */
export const sql = `
create table hogsend.endpoints (
  id uuid primary key,
  kind text collate "C" not null,
  url text,
  description text,
  event_types text[] collate "C" not null,
  ordering text not null check (ordering in ('none', 'contact')),
  -- Sealed JSON.
  config text,
  config_names text[],
  -- Sealed.
  secret text,
  previous_secret text,
  previous_secret_until timestamptz,
  secret_prefix text,
  disabled_at timestamptz,
  disabled_reason text,
  -- Of one that a start keeps in place: which.
  seed text unique,
  last_delivery_at timestamptz,
  created_at timestamptz not null default hogsend.now(),
  updated_at timestamptz not null default hogsend.now(),
  check ((config is null) = (config_names is null)),
  check ((secret is null) = (secret_prefix is null)),
  check ((previous_secret is null) = (previous_secret_until is null))
);
`
