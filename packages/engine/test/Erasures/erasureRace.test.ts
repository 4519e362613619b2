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
          observesOnly: true,
          restores: false,
          tokenIssuedAt: null
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
              const id = newId()
              yield* sql`
                insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
                values (${id}, ${keyId}, 'late', 'inapp', 'public', now())`
              yield* sql`
                insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
                values ('browser:anonymous:a_1', 'late', 'f', ${id})`
            })
        }
      )
      expect(yield* Effect.promise(() => Promise.all(erasing))).toMatchObject([{ status: 200 }])
      expect(yield* sql`select name from hogsend.events`).toEqual([])
      expect(yield* sql`select key from hogsend.idempotency_keys`).toEqual([])
    })
  )
})

/** Runs the request while a transaction of the test holds the contacts, and lets that transaction change them first. */
const against = Effect.fnUntraced(function* (
  change: (sql: PgClient.PgClient) => Effect.Effect<unknown, unknown>,
  request: Effect.Effect<Answer, never, TestHogsend>
) {
  const sql = yield* PgClient.PgClient
  const context = yield* Effect.context<TestHogsend>()
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

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("An erasure of what moves", (it) => {
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

  it.effect("keys of two contacts that become one meanwhile are of one contact", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const a = yield* asServer("PUT", "/v1/contacts", { userId: "u_two" })
      const b = yield* asServer("PUT", "/v1/contacts", { email: "two@x.co" })
      // Into the one that is not locked.
      const merge = (sql: PgClient.PgClient) =>
        Effect.andThen(
          sql`update hogsend.identity_keys set contact_id = ${b.body.id} where contact_id = ${a.body.id}`,
          sql`update hogsend.contacts set merged_into = ${b.body.id} where id = ${a.body.id}`
        )
      const answer = yield* against(merge, asServer("DELETE", "/v1/contacts", { userId: "u_two", email: "two@x.co" }))
      expect(answer).toMatchObject({
        status: 200,
        body: { erasure: { contactId: b.body.id, removed: { contacts: 2 } } }
      })
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

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("A soft deletion", (it) => {
  /** Under a key with only the scope `ingest`. */
  const softly = Effect.fnUntraced(function* (body: object) {
    const { asServer, request } = yield* TestHogsend
    const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "softly", scopes: ["ingest"] })
    return request("DELETE", "/v1/contacts", { key: minted.body.key, body })
  })
  const cancel = Effect.fnUntraced(function* (answer: Answer | undefined) {
    const { asServer } = yield* TestHogsend
    return yield* asServer("POST", `/v1/admin/erasures/${answer?.body.erasure.id}/cancel`)
  })
  const keysOf = (contactId: string) =>
    Effect.flatMap(PgClient.PgClient, (sql) =>
      Effect.map(
        sql<{ value: string }>`
          select former->>'value' as value from hogsend.identity_keys where contact_id = ${contactId} order by 1`,
        (rows) => rows.map(({ value }) => value)
      )
    )

  it.effect("of a contact that is merged away meanwhile hides it where it went", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const a = yield* asServer("PUT", "/v1/contacts", { email: "a@x.co" })
      const b = yield* asServer("PUT", "/v1/contacts", { userId: "b" })
      const merge = (sql: PgClient.PgClient) =>
        Effect.andThen(
          sql`update hogsend.identity_keys set contact_id = ${b.body.id} where contact_id = ${a.body.id}`,
          sql`update hogsend.contacts set merged_into = ${b.body.id} where id = ${a.body.id}`
        )
      const answer = yield* against(merge, yield* softly({ email: "a@x.co" }))
      expect(answer).toMatchObject({ status: 200, body: { erasure: { contactId: b.body.id, status: "pending" } } })
      expect(yield* keysOf(b.body.id)).toEqual([a.body.id, b.body.id, "a@x.co", "b"].toSorted())
      expect(yield* cancel(answer)).toMatchObject({ status: 200 })
    })
  )

  it.effect("hides whoever is merged into the contact meanwhile with it", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const a = yield* asServer("PUT", "/v1/contacts", { userId: "u_a" })
      const b = yield* asServer("PUT", "/v1/contacts", { email: "b@x.co" })
      const merge = (sql: PgClient.PgClient) =>
        Effect.andThen(
          sql`update hogsend.identity_keys set contact_id = ${a.body.id} where contact_id = ${b.body.id}`,
          sql`update hogsend.contacts set merged_into = ${a.body.id} where id = ${b.body.id}`
        )
      const answer = yield* against(merge, yield* softly({ userId: "u_a" }))
      expect(answer).toMatchObject({ status: 200, body: { erasure: { contactId: a.body.id } } })
      expect(yield* keysOf(a.body.id)).toEqual([a.body.id, b.body.id, "b@x.co", "u_a"].toSorted())
      const { body } = yield* asServer("GET", "/v1/contacts/find?email=b@x.co")
      expect(body.contacts).toEqual([])
      // A cancellation that waits for its erasure finds nothing to cancel.
      const gone = yield* against(
        () => Effect.void,
        Effect.andThen(asServer("DELETE", `/v1/admin/contacts/${a.body.id}`), cancel(answer))
      )
      expect(gone).toMatchObject({ status: 409, body: { _tag: "ErasureEnded" } })
    })
  )

  it.effect("of a key that is taken away meanwhile hides whom it belongs to now, and nobody else", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const owner = yield* asServer("PUT", "/v1/contacts", { userId: "u_owner", anonymousId: "shared_1" })
      const other = yield* asServer("PUT", "/v1/contacts", { email: "other@x.co" })
      const move = (sql: PgClient.PgClient) => sql`
        update hogsend.identity_keys set contact_id = ${other.body.id}, kind = 'external' where value = 'shared_1'`
      const answer = yield* against(move, yield* softly({ anonymousId: "shared_1" }))
      expect(answer).toMatchObject({ status: 200, body: { erasure: { contactId: other.body.id } } })
      expect(yield* asServer("GET", `/v1/admin/contacts/${owner.body.id}`)).toMatchObject({ status: 200 })
    })
  )

  it.effect("waits for an event that is on its way, which is hidden, and comes back with the contact", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("PUT", "/v1/contacts", { userId: "u_late" })
      const late = () => sql`
        insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
        select ${newId()}, id, 'late', 'api', 'server', now() from hogsend.identity_keys where value = 'u_late'`
      const answer = yield* against(late, yield* softly({ userId: "u_late" }))
      const events = Effect.map(asServer("GET", "/v1/admin/events?name=late"), (found) => found.body.total)
      expect(yield* events).toBe(0)
      expect(yield* cancel(answer)).toMatchObject({ status: 200 })
      expect(yield* events).toBe(1)
      const { body: mine } = yield* asServer("GET", `/v1/admin/events?contactId=${body.id}`)
      expect(mine.total).toBe(1)
    })
  )

  it.effect("and its cancellation: somebody who takes a key at that moment has it, or the contact has", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("PUT", "/v1/contacts", { userId: "u_again", email: "again@x.co" })
      const answer = yield* yield* softly({ userId: "u_again" })
      const taker = newId()
      const take = (client: PgClient.PgClient) => client`
        insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by)
        values (gen_random_uuid(), 'external', 'u_again', ${taker}, 'server')`
      yield* sql`insert into hogsend.contacts (id) values (${taker})`
      expect(yield* against(take, cancel(answer))).toMatchObject({ status: 409, body: { _tag: "KeysTaken" } })
      expect(yield* keysOf(body.id)).toEqual([body.id, "again@x.co", "u_again"].toSorted())
      yield* sql`delete from hogsend.identity_keys where value = 'u_again'`
      expect(yield* cancel(answer)).toMatchObject({ status: 200 })
    })
  )
})
