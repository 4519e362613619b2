/** An export is everything that is kept of a person, whatever tables there are, however much it is. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { ContactExport } from "@hogsend/core"
import { type Answer, TestHogsend } from "@hogsend/testing"
import { Effect, Schema } from "effect"
import { Warnings } from "../../src/Warnings.ts"
import { personalTables } from "../../src/PersonalData.ts"
import { subscribe } from "../OutboundMessages/subscribe.ts"

type Row = Readonly<Record<string, unknown>>

const exportOf = (id: string, key?: string) =>
  Effect.flatMap(TestHogsend, ({ request, secret }) =>
    request("GET", `/v1/admin/contacts/${id}/export`, { key: key ?? secret })
  )

const expectNotFound = (answer: Answer) =>
  expect(answer).toMatchObject({ status: 404, body: { _tag: "ContactNotFound", error: expect.any(String) } })

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "60 seconds" })("An export", (it) => {
  /** Somebody with rows in every table, and somebody else with as many; answers both ids and the absorbed contact's. */
  const people = Effect.fnUntraced(function* (name: string) {
    const sql = yield* PgClient.PgClient
    const { asBrowser, asServer } = yield* TestHogsend
    const ids: Array<string> = []
    yield* subscribe("contact.created", "contact.updated", "contact.merged")
    for (const who of [name, `${name}_other`]) {
      const [userId, email, anonymousId] = [`u_${who}`, `${who}@x.co`, `a_${who}`]
      yield* asBrowser("POST", "/v1/events", { name: "seen", anonymousId, contactProperties: { of: who } })
      yield* asServer("POST", "/v1/events", { name: "bought", userId, email, value: 49.9, currency: "EUR" })
      yield* asServer("POST", "/v1/events", { name: "joined", userId, anonymousId })
      yield* asServer("PUT", "/v1/contacts", { userId, anonymousId: "undefined", properties: { of: who } })
      const { body } = yield* asServer("GET", `/v1/contacts/find?userId=${userId}`)
      ids.push(body.contacts[0].id)
    }
    yield* Effect.flatMap(Warnings, ({ flush }) => flush)
    const [id = "", other = ""] = ids
    yield* sql`
      insert into hogsend.identity_cuts (id, contact_id, other_contact_id, actor)
      values (gen_random_uuid(), ${id}, ${other}, 'a test')`
    yield* sql`
      insert into hogsend.erasures (id, contact_id, status, actor, due_at)
      select gen_random_uuid(), i, 'cancelled', 'a test', now() from unnest(${ids}::uuid[]) i`
    const [absorbed] = yield* sql<{ id: string }>`select id from hogsend.contacts where merged_into = ${id}`
    return { id, other, absorbedId: absorbed?.id ?? "" }
  })

  it.effect("has every row of every table that names the person, and of nobody else", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { absorbedId, id } = yield* people("all")
      const { body, headers, status } = yield* exportOf(id)
      expect(status).toBe(200)
      expect(headers.get("content-type")).toBe("application/json")
      expect(Object.keys(body)).toEqual(["exportedAt", "contact", "keys", "data"])
      yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ContactExport))(body)
      expect(body.contact).toMatchObject({ id, externalId: "u_all", email: "all@x.co", properties: { of: "all" } })
      expect(body.keys.map(({ value }: Row) => value).toSorted()).toEqual(
        ["u_all", "all@x.co", "a_all", id, absorbedId].toSorted()
      )

      const tables = [...new Set(personalTables.map(({ table }) => table)), "contacts"]
      expect(Object.keys(body.data).toSorted()).toEqual(tables.toSorted())
      for (const table of tables) {
        expect(body.data[table], `Teach this test to make a row in ${table}`).not.toEqual([])
      }
      for (const { column, table } of personalTables) {
        const ids = column === "key_id" ? body.keys.map((key: Row) => key["id"]) : [id, absorbedId]
        const rows = yield* sql<{ id: string }>`
          select id from ${sql.literal(`hogsend.${table}`)} where ${sql.literal(column)} = any(${ids}::uuid[])`
        const exported = body.data[table].map((row: Row) => row["id"])
        for (const row of rows) expect(exported, `${table}.${column}`).toContain(row.id)
        expect(new Set(exported).size, table).toBe(exported.length)
      }
      expect(body.data.events.map((row: Row) => row["name"]).toSorted()).toEqual(["bought", "joined", "seen"])
      expect(body.data.events.find((row: Row) => row["name"] === "bought")).toMatchObject({
        value: "49.9",
        keyId: expect.any(String),
        occurredAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/)
      })
      const text = JSON.stringify(body)
      for (const theirs of ["u_all_other", "all_other@x.co", "a_all_other"]) expect(text).not.toContain(theirs)
    })
  )

  it.effect("is the same by the id of a contact that was absorbed, and while the contact waits for its erasure", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const { absorbedId, id } = yield* people("soft")
      const before = (yield* exportOf(id)).body
      expect((yield* exportOf(absorbedId)).body.data.events).toEqual(before.data.events)
      const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "softly", scopes: ["ingest"] })
      yield* request("DELETE", "/v1/contacts", { key: minted.body.key, body: { userId: "u_soft" } })
      for (const named of [id, absorbedId]) {
        const { body, status } = yield* exportOf(named)
        expect(status).toBe(200)
        expect(body).toMatchObject({ contact: before.contact, keys: before.keys })
        expect(body.data.events).toEqual(before.data.events)
        expect(body.data.erasures).toHaveLength(2)
      }
      yield* asServer("DELETE", `/v1/admin/contacts/${id}`)
      expectNotFound(yield* exportOf(id))
    })
  )

  it.effect(
    "shows nothing of somebody who was merged with the contact once and split off, nor them of it, erased or not",
    () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const put = (body: object) => Effect.map(asServer("PUT", "/v1/contacts", body), (answer) => answer.body.id)
        const mine = yield* put({ userId: "u_mine", properties: { phone: "phone of mine" } })
        yield* put({ userId: "u_theirs", properties: { zip: "zip of theirs" } })
        yield* put({ userId: "u_later", properties: { city: "city of later" } })
        const operate = (path: string, body: object) =>
          Effect.map(asServer("POST", `/v1/admin/identity/${path}`, body), (answer) => {
            expect(answer.status, JSON.stringify(answer.body)).toBe(200)
            return answer.body
          })
        yield* operate("merge", { survivor: "u_mine", absorbed: "u_theirs" })
        // Of the two who stay together, at a time when the third was one of them.
        yield* operate("merge", { survivor: "u_mine", absorbed: "u_later" })
        const { splitOff } = yield* operate("split", { contact: "u_mine", keys: ["external:u_theirs"] })
        const [text, theirs] = [
          JSON.stringify((yield* exportOf(mine)).body),
          JSON.stringify((yield* exportOf(splitOff.id)).body)
        ]
        for (const own of ["phone of mine", "city of later"]) {
          expect(text).toContain(own)
          expect(theirs).not.toContain(own)
        }
        expect(text).not.toContain("zip of theirs")
        expect(theirs).toContain("zip of theirs")
        // When they are erased, nothing tells any more that the entries of the two who stay hold values of theirs.
        yield* asServer("DELETE", "/v1/contacts", { userId: "u_theirs" })
        const { body } = yield* exportOf(mine)
        expect(body.data.identity_ledger.filter(({ action }: Row) => action === "merged")).toMatchObject([
          { before: null, after: null, otherContactId: expect.any(String) }
        ])
        expect(JSON.stringify(body)).not.toContain("zip of theirs")
      })
  )

  it.effect("has as many events as there are, each once, over pages", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("PUT", "/v1/contacts", { userId: "u_many", email: "many@x.co" })
      // A whole page under one key, and one more than two pages under another.
      yield* sql`
        insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
        select gen_random_uuid(), k.id, n::text, 'api', 'server', now()
        from hogsend.identity_keys k, generate_series(1, case when k.kind = 'email' then 1000 else 2001 end) n
        where k.value in ('u_many', 'many@x.co')`
      const exported = yield* exportOf(body.id)
      expect(new Set(exported.body.data.events.map((row: Row) => row["id"])).size).toBe(3001)
      expect(exported.body.data.events).toHaveLength(3001)
    })
  )

  it.effect("of nobody is a 404, and opens to read and erase", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      expectNotFound(yield* exportOf("01890000-0000-7000-8000-000000000000"))
      const { body } = yield* asServer("PUT", "/v1/contacts", { userId: "u_scopes" })
      for (const [scope, status] of [
        ["read", 200],
        ["erase", 200],
        ["ingest", 403]
      ] as const) {
        const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: scope, scopes: [scope] })
        expect((yield* exportOf(body.id, minted.body.key)).status, scope).toBe(status)
      }
    })
  )
})
