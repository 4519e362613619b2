/** Events that only the database refuses. */
import { Effect } from "effect"
import type { Engine } from "./engines.ts"

/** Until the scope ends, the database refuses events of this name with an error code of its own, the first times. */
export const refusing = ({ sql }: Engine) =>
  Effect.fnUntraced(function* (name: string, state: string, times = 1_000_000) {
    const drop = Effect.orDie(sql`drop trigger if exists refusing on hogsend.events`)
    yield* sql`drop sequence if exists public.refusals`
    yield* sql`create sequence public.refusals`
    yield* sql`
      create or replace function public.refuse() returns trigger language plpgsql as $$
      begin
        -- A sequence counts also what is rolled back.
        if nextval('public.refusals') <= ${sql.literal(String(times))} then
          raise exception 'refused' using errcode = ${sql.literal(`'${state}'`)};
        end if;
        return new;
      end $$`
    yield* drop
    yield* Effect.acquireRelease(
      sql`
        create trigger refusing before insert on hogsend.events for each row
        when (new.name = ${sql.literal(`'${name}'`)}) execute function public.refuse()`,
      () => drop
    )
  })
