/** Who we are to an analytics platform: what we send it carries the id, so that what comes back of it is known as ours. */
export const sql = `
create table hogsend.installation (
  id uuid not null default gen_random_uuid(),
  -- There is one row, and never another.
  single boolean primary key default true check (single)
);
insert into hogsend.installation default values;
`
