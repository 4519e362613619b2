/** What is told of people who leave, what is not told of them any more, and what is left of it; through real HTTP. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { ContactDeletedData } from "@hogsend/core"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Schema } from "effect"
import { Erasures } from "../../src/Erasures.ts"
import { contact, fresh, put, visit } from "../IdentityResolver/operatorWorld.ts"
import { deliveriesTo, subscribe, telling } from "./subscribe.ts"

type Fields = Readonly<Record<string, unknown>>

const everyContactEvent = ["contact.created", "contact.updated", "contact.merged", "contact.deleted"] as const

/** Under a key that opens `erase`, or one that does not. */
const erase = Effect.fnUntraced(function* (how: "now" | "later", body: Fields) {
  const { asServer, request } = yield* TestHogsend
  const scopes = how === "now" ? ["erase"] : ["ingest"]
  const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: how, scopes })
  const answer = yield* request("DELETE", "/v1/contacts", { key: minted.body.key, body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body.erasure
})

const cancel = Effect.fnUntraced(function* (id: string) {
  const { asServer } = yield* TestHogsend
  expect((yield* asServer("POST", `/v1/admin/erasures/${id}/cancel`)).status).toBe(200)
})

const moveClock = (days: number) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    sql.unsafe(
      `create or replace function hogsend.now() returns timestamptz language sql stable as $$select pg_catalog.now() + interval '${days} days'$$`
    )
  )

/** How many messages and deliveries have the word anywhere in them. */
const traces = Effect.fnUntraced(function* (word: string) {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ messages: number; deliveries: number }>`
    select (select count(*)::int from hogsend.outbound_messages t where strpos(t::text, ${word}) > 0) as messages,
      (select count(*)::int from hogsend.deliveries t where strpos(t::text, ${word}) > 0) as deliveries`
  return row
})

/** Somebody of whom three things wait to be told, to one endpoint. */
const person = Effect.fnUntraced(function* () {
  const { a, e, u } = fresh()
  const endpoint = yield* subscribe(...everyContactEvent)
  const { id } = yield* put({ userId: u, email: e, properties: { town: `town of ${u}` } })
  yield* put({ userId: u, properties: { plan: "team" } })
  yield* put({ userId: u, anonymousId: a })
  return { a, e, u, id: id as string, endpoint, keys: { userId: u } }
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Of somebody who is erased", (it) => {
  it.effect("nothing is told any more but that they were deleted, which names no contact and outlives them", () =>
    Effect.gen(function* () {
      const { e, endpoint, id, keys, u } = yield* person()
      const other = yield* put({ userId: fresh().u })
      const [event, ...more] = yield* telling(erase("now", keys))
      expect(more).toEqual([])
      expect(event).toMatchObject({ type: "contact.deleted", contactId: null })
      expect(event?.data).toEqual({
        userId: u,
        contactKeyKind: "external",
        contactId: id,
        id,
        externalId: u,
        email: e
      })
      yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ContactDeletedData))(event?.data)
      expect(yield* deliveriesTo(endpoint)).toEqual([
        { type: "contact.created", contactId: other.id, status: "pending" },
        { type: "contact.deleted", contactId: null, status: "pending" }
      ])
      expect(yield* traces(id)).toEqual({ messages: 1, deliveries: 0 })
      expect(yield* traces(`town of ${u}`)).toEqual({ messages: 0, deliveries: 0 })
    })
  )

  it.effect("nothing at all is left when nobody is to be told", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`delete from hogsend.endpoints`
      const { u } = fresh()
      const { id } = yield* put({ userId: u })
      expect(yield* traces(id)).toEqual({ messages: 1, deliveries: 0 })
      yield* erase("now", { userId: u })
      expect(yield* traces(id)).toEqual({ messages: 0, deliveries: 0 })
    })
  )

  it.effect("nothing is told when they were a visitor, of whom nobody ever heard", () =>
    Effect.gen(function* () {
      const { a } = fresh()
      yield* visit(a)
      expect(yield* telling(erase("now", { anonymousId: a }))).toEqual([])
    })
  )

  it.effect("what was told of whom they absorbed goes, too", () =>
    Effect.gen(function* () {
      const { a, keys } = yield* person()
      const { b } = fresh()
      const away = yield* put({ anonymousId: b, properties: { a } })
      yield* put({ ...keys, anonymousId: b })
      expect((yield* traces(away.id))?.messages).toBeGreaterThan(1)
      yield* erase("now", keys)
      expect(yield* traces(away.id)).toEqual({ messages: 0, deliveries: 0 })
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Of somebody who waits", (it) => {
  it.effect("for the erasure what waits to be told is withdrawn, and that they were deleted is told at once", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { endpoint, id, keys, u } = yield* person()
      yield* sql`update hogsend.deliveries set status = 'dead' where contact_id = ${id} and turn % 2 = 0`
      yield* sql`
        update hogsend.deliveries set status = 'delivered' where id = (select id from hogsend.deliveries order by turn limit 1)`
      expect(yield* telling(erase("later", keys))).toMatchObject([{ type: "contact.deleted", contactId: id }])
      expect(yield* deliveriesTo(endpoint)).toEqual([
        { type: "contact.created", contactId: id, status: "delivered" },
        { type: "contact.updated", contactId: id, status: "discarded" },
        { type: "contact.updated", contactId: id, status: "discarded" },
        { type: "contact.deleted", contactId: id, status: "pending" }
      ])
      // Asked once more, it waits as it did.
      expect(yield* telling(erase("later", keys))).toEqual([])
      expect((yield* traces(u))?.messages).toBeGreaterThan(1)
    })
  )

  it.effect("what is on its way is waited for, to each endpoint, and its worker has lost it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      for (const how of ["later", "now"] as const) {
        const quiet = yield* subscribe("contact.deleted")
        const { endpoint, id, keys } = yield* person()
        const [{ until } = { until: null }] = yield* sql<{ until: Date | null }>`
          update hogsend.deliveries set lease_id = gen_random_uuid(), lease_until = hogsend.now() + interval '1 minute'
          where id = (select id from hogsend.deliveries where endpoint_id = ${endpoint} order by turn limit 1)
          returning lease_until as until`
        yield* erase(how, keys)
        const farewells = yield* sql<{ endpointId: string; dueAt: Date; createdAt: Date }>`
          select d.endpoint_id as "endpointId", d.due_at as "dueAt", d.created_at as "createdAt"
          from hogsend.deliveries d join hogsend.outbound_messages m on m.id = d.message_id
          where d.endpoint_id = any(${[quiet, endpoint]}::uuid[]) and m.type = 'contact.deleted'
            and strpos(m.body, ${id}) > 0
          order by d.endpoint_id`
        expect(farewells, how).toMatchObject([{ endpointId: quiet }, { endpointId: endpoint, dueAt: until }])
        expect(farewells[0]?.dueAt, how).toEqual(farewells[0]?.createdAt)
        expect(yield* sql`select 1 from hogsend.deliveries where lease_id is not null`).toEqual([])
      }
    })
  )

  it.effect("and is taken back is that they are there again, as they are", () =>
    Effect.gen(function* () {
      const { endpoint, id, keys, u } = yield* person()
      const before = yield* contact(id)
      const erasure = yield* erase("later", keys)
      const events = yield* telling(cancel(erasure.id))
      expect(events).toMatchObject([{ type: "contact.created", contactId: id, data: { ...before, userId: u } }])
      expect((yield* deliveriesTo(endpoint)).slice(-2)).toEqual([
        { type: "contact.deleted", contactId: id, status: "pending" },
        { type: "contact.created", contactId: id, status: "pending" }
      ])
    })
  )

  it.effect("and is erased at last is nothing more; what says so is kept while it is to be delivered", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { endpoint, id, keys } = yield* person()
      const { id: delivered, ...known } = yield* person()
      yield* erase("later", keys)
      yield* erase("later", known.keys)
      yield* sql`update hogsend.deliveries set status = 'delivered' where contact_id = ${delivered}`
      yield* moveClock(8)
      const { eraseDue } = yield* Erasures
      expect(yield* telling(eraseDue)).toEqual([])
      yield* moveClock(0)
      const left = yield* deliveriesTo(endpoint)
      expect(left.filter(({ contactId }) => contactId === id || contactId === null)).toEqual([
        { type: "contact.deleted", contactId: null, status: "pending" }
      ])
      expect(yield* traces(id)).toEqual({ messages: 1, deliveries: 0 })
      expect(yield* traces(delivered)).toEqual({ messages: 0, deliveries: 0 })
    })
  )

  it.effect("and is erased by a key that opens it is nothing more", () =>
    Effect.gen(function* () {
      const { keys } = yield* person()
      yield* erase("later", keys)
      expect(yield* telling(erase("now", keys))).toEqual([])
    })
  )
})
