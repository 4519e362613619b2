/** For an operator who looks at one kind of entry. */
export const sql = `-- no transaction
create index concurrently if not exists identity_ledger_action on hogsend.identity_ledger (action, id)`
