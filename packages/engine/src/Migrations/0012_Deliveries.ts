/**
 * What is told to the outside world: messages, their deliveries to endpoints, every attempt, and how endpoints are doing.
 *
 * A delivery is the job itself. While a worker has it, it is leased: only who holds the lease writes to it.
 */
export const sql = `
create table hogsend.outbound_messages (
  id uuid primary key,
  type text collate "C" not null,
  contact_id uuid,
  -- The envelope's JSON: the bytes that are sent.
  body text not null,
  occurred_at timestamptz not null default hogsend.now()
);
create index outbound_messages_occurred on hogsend.outbound_messages (occurred_at);
create index outbound_messages_contact on hogsend.outbound_messages (contact_id) where contact_id is not null;

create sequence hogsend.delivery_turns;

create table hogsend.deliveries (
  id uuid primary key,
  endpoint_id uuid not null references hogsend.endpoints on delete cascade,
  message_id uuid not null,
  contact_id uuid,
  -- Of the deliveries of one contact to one endpoint the lower goes first, where that is asked for.
  turn bigint not null default nextval('hogsend.delivery_turns'),
  status text not null default 'pending' check (status in ('pending', 'delivered', 'dead', 'discarded')),
  -- Begun, those that nobody heard of again included.
  attempts int not null default 0,
  -- How many of them were made before somebody asked for it once more, with a schedule from the start.
  earlier_attempts int not null default 0,
  due_at timestamptz not null default hogsend.now(),
  lease_id uuid,
  lease_until timestamptz,
  last_status int,
  last_error text,
  created_at timestamptz not null default hogsend.now(),
  finished_at timestamptz,
  unique (endpoint_id, message_id)
)
-- A claim changes nothing that an index holds: with room on its page it touches no index.
with (fillfactor = 70);
alter sequence hogsend.delivery_turns owned by hogsend.deliveries.turn;

create index deliveries_due on hogsend.deliveries (endpoint_id, due_at) where status = 'pending';
create index deliveries_turn on hogsend.deliveries (endpoint_id, contact_id, turn)
  where status = 'pending' and contact_id is not null;
create index deliveries_dead on hogsend.deliveries (id) where status = 'dead';
create index deliveries_contact on hogsend.deliveries (contact_id) where contact_id is not null;
create index deliveries_finished on hogsend.deliveries (finished_at) where finished_at is not null;

create table hogsend.delivery_attempts (
  delivery_id uuid not null references hogsend.deliveries on delete cascade,
  number int not null,
  started_at timestamptz not null,
  duration_ms int not null,
  status int,
  error text,
  -- Its first KiB.
  answer text,
  primary key (delivery_id, number)
);

-- How an endpoint is doing, by all workers together. One that nothing was sent to is not here.
create table hogsend.endpoint_health (
  endpoint_id uuid primary key references hogsend.endpoints on delete cascade,
  -- The breaker is open; from then on one delivery may try it. Null: it is closed.
  retry_at timestamptz,
  -- Since when nothing but failures came back.
  failing_since timestamptz
);

-- Tries in slots of ten seconds, in a ring of five minutes: what a slot held a round ago is overwritten.
create table hogsend.endpoint_tries (
  endpoint_id uuid not null references hogsend.endpoints on delete cascade,
  slot int not null,
  started_at timestamptz not null,
  tries int not null,
  failures int not null,
  primary key (endpoint_id, slot)
);
`
