/** Who watches deliveries looks for the attempts of the last minute: rows arrive in the order of time, so a tiny index is enough. */
export const sql = `-- no transaction
create index concurrently if not exists delivery_attempts_started on hogsend.delivery_attempts using brin (started_at)
  with (pages_per_range = 32, autosummarize = on)`
