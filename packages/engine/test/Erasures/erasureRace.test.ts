/** An erasure and an event that is on its way: no event is ever left without its key. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { type Answer, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Layer } from "effect"
import { CurrentTransformer } from "effect/sql/Statement"
import { EventIngest } from "../../src/EventIngest.ts"
import { IdentityResolver } from "../../src/IdentityResolver.ts"
import { newId } from "../../src/newId.ts"
import { interfere, once } from "../IdentityResolver/interfere.ts"
import { somebodyWaits } from "../openTransaction.ts"

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

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("A deletion of who is split", (it) => {
  /** A visitor whom a user absorbed, and who is split off again while the user's deletion waits; answers this one too. */
  const splitDuring = Effect.fnUntraced(function* (n: string, deletion: Effect.Effect<Answer, never, TestHogsend>) {
    const sql = yield* PgClient.PgClient
    const resolver = yield* IdentityResolver
    const { asServer } = yield* TestHogsend
    const context = yield* Effect.context<TestHogsend | PgClient.PgClient>()
    const run = Effect.runPromiseWith(context)
    const [userId, anonymousId] = [`u_${n}`, `b_${n}`]
    yield* asServer("POST", "/v1/events", { name: `seen_${n}`, anonymousId, contactProperties: { of: "b" } })
    const user = yield* asServer("PUT", "/v1/contacts", { userId, properties: { of: "u" } })
    const [visitor] = yield* sql<{ contactId: string }>`
      select contact_id as "contactId" from hogsend.identity_keys where value = ${anonymousId}`
    yield* asServer("PUT", "/v1/contacts", { userId, anonymousId })
    const answers: Array<Promise<Answer>> = []
    // Of the split all is done but the cut and the commit.
    const deleting = once(() => {
      answers.push(run(deletion))
      return run(somebodyWaits)
    })
    yield* Effect.provideService(
      resolver.split(
        { contact: `external:${userId}`, keys: [`anonymous:${anonymousId}`] },
        { name: "a test", keyId: null }
      ),
      CurrentTransformer,
      interfere("insert into hogsend.identity_ledger", deleting)
    )
    const [answer] = yield* Effect.promise(() => Promise.all(answers))
    return { answer, userId: String(user.body.id), visitorId: visitor?.contactId ?? "" }
  })

  /** Who was split off is there, with everything that is theirs. */
  const isWhole = Effect.fnUntraced(function* (n: string, id: string) {
    const sql = yield* PgClient.PgClient
    const { asServer } = yield* TestHogsend
    expect(yield* asServer("GET", `/v1/admin/contacts/${id}`)).toMatchObject({
      status: 200,
      body: { contact: { id, contactKey: `b_${n}`, properties: { of: "b" } } }
    })
    const found = yield* asServer("GET", `/v1/admin/events?contactId=${id}`)
    expect(found.body.events.map(({ name }: { name: string }) => name)).toEqual([`seen_${n}`])
    const history = yield* sql`select action from hogsend.identity_ledger where contact_id = ${id} order by id`
    expect(history).toEqual([{ action: "created" }, { action: "linked" }])
    expect(
      yield* sql`
        select k.id from hogsend.identity_keys k
        where not exists (select 1 from hogsend.contacts c where c.id = k.contact_id)
        union all
        select e.id from hogsend.events e
        where not exists (select 1 from hogsend.identity_keys k where k.id = e.key_id)
        union all
        select c.id from hogsend.contacts c where c.merged_into is not null
          and not exists (select 1 from hogsend.contacts survivor where survivor.id = c.merged_into)`,
      "nothing dangles"
    ).toEqual([])
  })

  it.effect("erases only who stayed, and leaves who was split off with all that is theirs", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const { answer, userId, visitorId } = yield* splitDuring(
        "hard",
        asServer("DELETE", "/v1/contacts", { userId: "u_hard" })
      )
      expect(answer).toMatchObject({
        status: 200,
        body: { deleted: true, erasure: { contactId: userId, removed: { contacts: 1, identity_keys: 2 } } }
      })
      yield* isWhole("hard", visitorId)
      expect(yield* sql`select id from hogsend.contacts where id = ${userId}`).toEqual([])
    })
  )

  it.effect("hides only who stayed, and a cancellation brings back just them", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "softly", scopes: ["ingest"] })
      const { answer, userId, visitorId } = yield* splitDuring(
        "soft",
        request("DELETE", "/v1/contacts", { key: minted.body.key, body: { userId: "u_soft" } })
      )
      expect(answer).toMatchObject({ status: 200, body: { erasure: { contactId: userId, status: "pending" } } })
      yield* isWhole("soft", visitorId)
      const later = yield* asServer("POST", "/v1/events", { name: "later", anonymousId: "b_soft" })
      expect(later.body).toMatchObject({ stored: true, contactKey: "b_soft" })
      expect(later.body.warnings).toBeUndefined()
      yield* asServer("POST", `/v1/admin/erasures/${answer?.body.erasure.id}/cancel`)
      const { body } = yield* asServer("GET", "/v1/contacts/find?userId=u_soft")
      expect(body.contacts).toMatchObject([{ id: userId, properties: { of: "u" } }])
    })
  )

  it.effect(
    "and a retry whose twin was stored and erased while it claimed its idempotency key starts nobody again",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const ingest = yield* EventIngest
        // Another process: in one process a twin waits for the first one's outcome.
        const elsewhere = Context.get(yield* Layer.build(Layer.fresh(EventIngest.layer())), EventIngest)
        const { asServer } = yield* TestHogsend
        const run = Effect.runPromiseWith(yield* Effect.context<TestHogsend>())
        const event = { name: "twice", userId: "u_twin", email: "twin@x.co" }
        const caller = { keyId: null, name: "a test", scopes: ["full-admin"], restricted: false } as const
        const carried = { userTokens: [], idempotencyKey: "once" }
        const twin = elsewhere.ingest(caller, event, carried)
        const answers: Array<unknown> = []
        const note = (answer: Promise<unknown>) => answer.then((one) => answers.push(one))
        const stored = interfere(
          "insert into hogsend.idempotency_keys",
          once(() => note(run(twin)))
        )
        const erased = interfere(
          "select fingerprint",
          once(() => note(run(asServer("DELETE", "/v1/contacts", { userId: "u_twin" }))))
        )
        const retry = ingest.ingest(caller, event, carried)
        const answer = yield* Effect.provideService(retry, CurrentTransformer, (statement, ...rest) =>
          Effect.andThen(stored(statement, ...rest), erased(statement, ...rest))
        )
        expect(answers).toMatchObject([{ stored: true }, { status: 200, body: { deleted: true } }])
        expect(answer).toMatchObject({ stored: false, contactKey: "u_twin" })
        expect(answer.warnings?.map(({ code }) => code)).toContain("erased_person")
        expect(yield* sql`select id from hogsend.events where name = 'twice'`).toEqual([])
        expect(yield* sql`select key from hogsend.idempotency_keys where key = 'once'`).toEqual([])
        expect(yield* sql`select value from hogsend.identity_keys where value in ('u_twin', 'twin@x.co')`).toEqual([])
      })
  )
})

layer(TestHogsend.layer({ contacts: { limits: { keys: { email: 1 } } } }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("An erasure of somebody with more addresses than the limit", (it) => {
  const long = "2020-01-01T00:00:00Z"
  /** The user has the one address, and the other was left out. */
  const over = Effect.fnUntraced(function* (n: string) {
    const { asServer } = yield* TestHogsend
    yield* asServer("PUT", "/v1/contacts", { userId: `u_${n}`, email: `${n}_1@x.co` })
    const { body } = yield* asServer("PUT", "/v1/contacts", { userId: `u_${n}`, email: `${n}_2@x.co` })
    expect(body.warnings).toMatchObject([{ code: "limit_reached" }])
    return { userId: `u_${n}`, email: `${n}_2@x.co` }
  })
  const holdersOf = (email: string) =>
    Effect.flatMap(
      PgClient.PgClient,
      (sql) => sql`
        select contact_id as "contactId" from hogsend.identity_keys where value = ${email}`
    )

  it.effect("takes the one along that was left out, and what arrives late under it starts nobody", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const { email, userId } = yield* over("hard")
      expect(yield* holdersOf(email)).toEqual([{ contactId: null }])
      const answer = yield* asServer("DELETE", "/v1/contacts", { userId })
      expect(answer).toMatchObject({ status: 200, body: { erasure: { removed: { contacts: 1, identity_keys: 4 } } } })
      expect(yield* holdersOf(email)).toEqual([])
      const late = yield* asServer("POST", "/v1/events", { name: "late", email, timestamp: long })
      expect(late).toMatchObject({ status: 202, body: { stored: false, warnings: [{ code: "erased_person" }] } })
      expect(yield* sql`select id from hogsend.events where name = 'late'`).toEqual([])
      expect(yield* holdersOf(email)).toEqual([])
    })
  )

  it.effect("hides it with them, and a cancellation makes it nobody's again", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const { email, userId } = yield* over("soft")
      const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "softly", scopes: ["ingest"] })
      const answer = yield* request("DELETE", "/v1/contacts", { key: minted.body.key, body: { userId } })
      expect(answer).toMatchObject({ status: 200, body: { erasure: { status: "pending" } } })
      expect(yield* holdersOf(email)).toEqual([])
      const late = yield* asServer("POST", "/v1/events", { name: "late", email, timestamp: long })
      expect(late.body).toMatchObject({ stored: false })
      expect(yield* asServer("POST", `/v1/admin/erasures/${answer.body.erasure.id}/cancel`)).toMatchObject({
        status: 200
      })
      expect(yield* holdersOf(email)).toEqual([{ contactId: null }])
    })
  )
})
