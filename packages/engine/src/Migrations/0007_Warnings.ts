/**
 * Warnings are counted by the hour; of the rows that hold them, only the last of each code are kept, as examples.
 *
 * What was kept until now is counted, too.
 */
export const sql = `
create table hogsend.warning_counts (
  code text collate "C" not null,
  source text collate "C" not null,
  -- In UTC.
  hour timestamptz not null,
  times bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (code, source, hour)
);

insert into hogsend.warning_counts (code, source, hour, times, first_at, last_at)
select code, coalesce(source, 'api'), date_trunc('hour', occurred_at, 'UTC'), count(*), min(occurred_at), max(occurred_at)
from hogsend.warnings group by 1, 2, 3;
`
