/** Refusals of keys that are not kept: whether one is written down already is asked with every request that has such a key. */
export const sql = `-- no transaction
create index concurrently if not exists identity_ledger_refusals on hogsend.identity_ledger (contact_id, rule)
  where action = 'join_refused' and key_id is null`
