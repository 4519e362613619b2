/**
 * The last word on a group of events: it stands if everything that it relied on is still so.
 *
 * It is asked at the end of the one statement that writes the group, when all of its locks are held. A volatile function
 * reads what is committed by then, which the statement itself, whose snapshot is from its beginning, cannot. `lost` is what
 * the statement did not get; `strangers` are contacts that nobody may have identified; no `macs` may be tombstones. Otherwise
 * nothing of the statement stays, and the error says in its detail what was taken.
 */
export const sql = `
create function hogsend.confirm_group(lost uuid[], strangers uuid[], macs text[])
returns void language plpgsql volatile as $$
declare
  -- Each with a look-up of its own: a plan that joins, made while the tables were small and kept, would read all of them.
  taken uuid[] := lost
    || array(select contact from unnest(strangers) as unknown (contact)
      where (select true from hogsend.identity_keys
        where contact_id = contact and kind in ('external', 'email') limit 1));
  erased text[] := array(select required.mac from unnest(macs) as required (mac)
    where (select true from hogsend.tombstones where tombstones.mac = decode(required.mac, 'hex')));
begin
  if cardinality(taken) = 0 and cardinality(erased) = 0 then
    return;
  end if;
  raise exception 'somebody else was faster; this group of events is stored in another way'
    using errcode = 'serialization_failure', detail = jsonb_build_object('ids', taken, 'macs', erased);
end
$$
`
