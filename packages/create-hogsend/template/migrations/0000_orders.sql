-- Your own table, beside Hogsend's. It names a person by their contact key, which for a user is the user id.
create table orders (
  id text primary key,
  contact_key text not null,
  total numeric(12, 2) not null,
  placed_at timestamptz not null default now()
);

create index orders_contact_key on orders (contact_key);
