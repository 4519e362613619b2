/** What became of an erased person at the analytics provider, on the receipt. */
export const sql = `
alter table hogsend.erasures
  -- Of those that are done; null of older ones, of which nobody was asked for anything.
  add column provider_outcome text check (provider_outcome in ('none', 'cannot', 'shared', 'unheard', 'asked', 'deleted')),
  -- What asks for it.
  add column provider_delivery uuid;
create index erasures_asked on hogsend.erasures (id) where provider_outcome = 'asked';
`
