/** An erasure and an event that is on its way: no event is ever left without its key. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { type Answer, TestHogsend } from "@hogsend/testing"
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
        { actor: { name: "a test", keyId: null }, source: "inapp" },
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

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("An erasure of what moves", (it) => {
  /** Runs the request while a transaction of the test holds the contacts, and lets that transaction change them first. */
  const against = Effect.fnUntraced(function* (
    change: (sql: PgClient.PgClient) => Effect.Effect<unknown, unknown>,
    request: Effect.Effect<Answer>
  ) {
    const sql = yield* PgClient.PgClient
    const context = yield* Effect.context<never>()
    const answers: Array<Promise<Answer>> = []
    yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`select id from hogsend.contacts order by id for update`
        const waits = sql`
          select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.pipe(
          Effect.delay(5),
          Effect.repeat({ until: (waiting) => waiting.length > 0 }),
          Effect.timeout(4000),
          Effect.orDie
        )
        answers.push(Effect.runPromiseWith(context)(request))
        yield* Effect.promise(() => Effect.runPromiseWith(context)(waits))
        yield* change(sql)
      })
    )
    const [answer] = yield* Effect.promise(() => Promise.all(answers))
    return answer
  })

  it.effect("a contact that is merged away meanwhile is erased where it went", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const a = yield* asServer("PUT", "/v1/contacts", { email: "a@x.co" })
      const b = yield* asServer("PUT", "/v1/contacts", { userId: "b" })
      const merge = (sql: PgClient.PgClient) =>
        Effect.andThen(
          sql`update hogsend.identity_keys set contact_id = ${b.body.id} where contact_id = ${a.body.id}`,
          sql`update hogsend.contacts set merged_into = ${b.body.id} where id = ${a.body.id}`
        )
      const answer = yield* against(merge, asServer("DELETE", "/v1/contacts", { email: "a@x.co" }))
      expect(answer).toMatchObject({ status: 200, body: { deleted: true } })
      const sql = yield* PgClient.PgClient
      expect(yield* sql`select id from hogsend.contacts`).toEqual([])
    })
  )

  it.effect("whoever is merged into the contact meanwhile is erased with it, what the ledger kept of them too", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const a = yield* asServer("PUT", "/v1/contacts", { userId: "u_a", properties: { of: "a" } })
      const b = yield* asServer("PUT", "/v1/contacts", { email: "b@x.co", properties: { of: "b" } })
      const merge = (client: PgClient.PgClient) =>
        Effect.andThen(
          client`update hogsend.identity_keys set contact_id = ${a.body.id} where contact_id = ${b.body.id}`,
          client`update hogsend.contacts set merged_into = ${a.body.id} where id = ${b.body.id}`
        )
      const answer = yield* against(merge, asServer("DELETE", "/v1/contacts", { userId: "u_a" }))
      expect(answer).toMatchObject({ status: 200 })
      for (const table of ["contacts", "identity_keys", "identity_ledger"]) {
        expect(yield* sql`select * from ${sql.literal(`hogsend.${table}`)}`, table).toEqual([])
      }
    })
  )

  it.effect("a key that is taken away meanwhile does not take its former holder with it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const owner = yield* asServer("PUT", "/v1/contacts", { userId: "u_owner", anonymousId: "shared_1" })
      const other = yield* asServer("PUT", "/v1/contacts", { email: "other@x.co" })
      const move = (client: PgClient.PgClient) => client`
        update hogsend.identity_keys set contact_id = ${other.body.id}, kind = 'external' where value = 'shared_1'`
      const answer = yield* against(move, asServer("DELETE", "/v1/contacts", { anonymousId: "shared_1" }))
      expect(answer).toMatchObject({ status: 200 })
      expect(yield* sql`select id from hogsend.contacts`).toEqual([{ id: owner.body.id }])
    })
  )

  it.effect("a visitor who was only observed is erased by their key, with what they did", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asBrowser, asServer } = yield* TestHogsend
      yield* asBrowser("POST", "/v1/events", { name: "seen", anonymousId: "obs_1", idempotencyKey: "k_obs" })
      expect(yield* asServer("DELETE", "/v1/contacts", { anonymousId: "obs_1" })).toMatchObject({ status: 200 })
      for (const table of ["events", "idempotency_keys"]) {
        expect(yield* sql`select * from ${sql.literal(`hogsend.${table}`)}`, table).toEqual([])
      }
      expect(yield* sql`select value from hogsend.identity_keys where value = 'obs_1'`).toEqual([])
      expect(yield* asServer("DELETE", "/v1/contacts", { anonymousId: "obs_1" })).toMatchObject({ status: 404 })
    })
  )
})
