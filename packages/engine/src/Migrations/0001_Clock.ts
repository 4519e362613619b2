/** The database's clock, which due times, leases and ages use: processes' clocks differ. A test may replace it. */
export const sql = `
create function hogsend.now() returns timestamptz
  language sql stable parallel safe
  as 'select pg_catalog.now()';
`
