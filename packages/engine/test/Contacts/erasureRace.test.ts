/** An erasure and an event that is on its way: no event is ever left without its key. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { IdentityResolver } from "../../src/IdentityResolver.ts"
import { newId } from "../../src/newId.ts"

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("An erasure", (it) => {
  it.effect("waits for an event that is observed under a key which it has just been joined to, and erases it too", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const resolver = yield* IdentityResolver
      const { asBrowser, asServer } = yield* TestHogsend
      yield* asBrowser("POST", "/v1/events", { name: "seen", anonymousId: "a_1" })

      const joinAndErase = Effect.andThen(
        asServer("PUT", "/v1/contacts", { userId: "u_1", anonymousId: "a_1" }),
        asServer("DELETE", "/v1/contacts", { userId: "u_1" })
      )
      const somebodyWaits = sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.pipe(
        Effect.delay(5),
        Effect.repeat({ until: (waiting) => waiting.length > 0 }),
        Effect.timeout(4000)
      )
      const context = yield* Effect.context<never>()
      const erasing: Array<Promise<{ readonly status: number }>> = []
      yield* resolver.resolve(
        {
          keys: [{ kind: "anonymous", value: "a_1" }],
          vouchedBy: "public",
          anonymousProven: false,
          observesOnly: true
        },
        { actor: "a test", source: "inapp" },
        {
          occurredAt: new Date(),
          write: ({ keyId }) =>
            Effect.gen(function* () {
              // Outside of this request's fiber, and so of its transaction.
              const erased = Effect.runPromiseWith(context)(joinAndErase)
              erasing.push(erased)
              yield* Effect.promise(() =>
                Promise.race([erased, Effect.runPromiseWith(context)(Effect.orDie(somebodyWaits))])
              )
              yield* sql`
                insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
                values (${newId()}, ${keyId}, 'late', 'inapp', 'public', now())`
            })
        }
      )
      expect(yield* Effect.promise(() => Promise.all(erasing))).toMatchObject([{ status: 200 }])
      expect(yield* sql`select name from hogsend.events`).toEqual([])
    })
  )
})
