/**
 * What a host's migration may not change, as a statement that answers its fingerprint: what stands in the schema `hogsend`, the
 * ledger, and whatever depends on our tables. A foreign key would hold up an erasure, a view a migration of ours.
 * Rows of other tables are not looked at.
 */
export const ourSchema = `
  with ours as (select oid from pg_namespace where nspname = 'hogsend'),
  tables as (select oid, relname, relkind from pg_class where relnamespace in (select oid from ours)),
  facts (fact) as (
    select row(oid, relname, relkind)::text from tables
    union all
    select row(attrelid, attname, atttypid, attnotnull, atthasdef)::text from pg_attribute
      where attrelid in (select oid from tables)
    union all
    select row(classid, objid, refobjid, refobjsubid)::text from pg_depend
      where refclassid = 'pg_class'::regclass and refobjid in (select oid from tables)
    union all
    select row(oid, prosrc)::text from pg_proc where pronamespace in (select oid from ours)
    union all
    select row(track, name, sha256)::text from hogsend.migrations
  )
  select md5(string_agg(fact, ' ' order by fact)) as fingerprint from facts`
