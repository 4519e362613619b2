/** Nobody's data is forgotten: the registry against the catalog, a merge and an erasure against every table. */
import { assert, describe, layer } from "@effect/vitest"
import * as PgClient from "@effect/sql-pg/PgClient"
import { Erasures, Warnings } from "@hogsend/engine"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { personalTables } from "../src/PersonalData.ts"
import { subscribe } from "./OutboundMessages/subscribe.ts"

/** What may still have a contact's id, and nothing else of it, when it is gone: that somebody erased it. */
const keptAfterErasure = ["audit_logs", "erasures"]

const catalog = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const columns = yield* sql<{ table: string; column: string }>`
    select c.table_name as "table", c.column_name as "column"
    from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'hogsend' and t.table_type = 'BASE TABLE'`
  return { sql, columns, tables: [...new Set(columns.map(({ table }) => table))] }
})

const rowsOf = (table: string, column: string, id: string) =>
  Effect.map(
    Effect.flatMap(
      PgClient.PgClient,
      (sql) =>
        sql<{ row: string }>`select t::text as row from ${sql.literal(`hogsend.${table}`)} t
          where ${sql.literal(column)} = ${id} order by 1`
    ),
    (rows) => rows.map(({ row }) => row)
  )

/** Every table that has a row with the text in any column, whatever its type. */
const tablesWith = Effect.fnUntraced(function* (text: string) {
  const { sql, tables } = yield* catalog
  const found: Array<string> = []
  for (const table of tables) {
    const rows =
      yield* sql`select 1 from ${sql.literal(`hogsend.${table}`)} t where strpos(t::text, ${text}) > 0 limit 1`
    if (rows.length > 0) found.push(table)
  }
  return found
})

/** Rows that no request makes of these contacts: a cut on either side, and an erasure that was taken back. */
const insertCutsAndReceipt = Effect.fnUntraced(function* (contactId: string, otherId: string) {
  const sql = yield* PgClient.PgClient
  yield* sql`
    insert into hogsend.identity_cuts (id, contact_id, other_contact_id, actor)
    select gen_random_uuid(), a, b, 'a test'
    from (values (${contactId}::uuid, ${otherId}::uuid), (${otherId}::uuid, ${contactId}::uuid)) as cut (a, b)`
  yield* sql`
    insert into hogsend.erasures (id, contact_id, status, actor, due_at)
    values (gen_random_uuid(), ${contactId}, 'cancelled', 'a test', now())`
})

const owner = Effect.fnUntraced(function* (value: string) {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ contactId: string }>`
    select contact_id as "contactId" from hogsend.identity_keys where value = ${value}`
  if (row === undefined) throw new Error(`Nobody holds ${value}`)
  return row.contactId
})

describe("PersonalData", () => {
  layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("the registry", (it) => {
    it.effect("has every table and column that names a contact or a key, and no other", () =>
      Effect.gen(function* () {
        const { columns } = yield* catalog
        const naming = columns.filter(({ column }) => ["contact_id", "other_contact_id", "key_id"].includes(column))
        assert.isAbove(naming.length, 0)
        assert.sameMembers(
          personalTables.map(({ column, table }) => `${table}.${column}`),
          naming.map(({ column, table }) => `${table}.${column}`)
        )
      })
    )

    it.effect("a merge does with the rows of every table what the registry says", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        // Of the merge itself it is told nothing.
        yield* subscribe("contact.created")
        yield* asServer("PUT", "/v1/contacts", { userId: "m_user" })
        yield* asServer("PUT", "/v1/contacts", { anonymousId: "m_anonymous" })
        yield* asServer("POST", "/v1/events", { name: "n", userId: "m_other", email: "taken@x.co" })
        yield* asServer("POST", "/v1/events", { name: "n", userId: "m_user" })
        // A contact without an external id, with an event, keys, a ledger, and a warning: what a merge can absorb.
        yield* asServer("POST", "/v1/events", { name: "n", anonymousId: "m_anonymous", email: "m@x.co" })
        yield* asServer("POST", "/v1/events", { name: "n", anonymousId: "m_anonymous", email: "undefined" })
        yield* asServer("POST", "/v1/events", { name: "n", email: "m@x.co", anonymousId: "m_other" })
        yield* asServer("POST", "/v1/events", { name: "n", email: "m2@x.co", anonymousId: "m_anonymous" })
        yield* Effect.flatMap(Warnings, ({ flush }) => flush)
        const [survivor, absorbed] = [yield* owner("m_user"), yield* owner("m_anonymous")]
        yield* insertCutsAndReceipt(absorbed, yield* owner("m_other"))
        const sql = yield* PgClient.PgClient
        const keys = yield* sql<{ id: string }>`select id from hogsend.identity_keys where contact_id = ${absorbed}`

        const before = yield* Effect.forEach(personalTables, ({ column, table }) =>
          column === "key_id"
            ? Effect.map(
                Effect.forEach(keys, ({ id }) => rowsOf(table, column, id)),
                (rows) => rows.flat()
              )
            : rowsOf(table, column, absorbed)
        )
        const kept = yield* Effect.forEach(personalTables, ({ column, table }) =>
          column === "key_id" ? Effect.succeed([]) : rowsOf(table, column, survivor)
        )
        yield* asServer("POST", "/v1/events", { name: "n", userId: "m_user", email: "m@x.co" })
        assert.strictEqual(yield* owner("m_anonymous"), survivor)

        for (const [at, { column, onMerge, table }] of personalTables.entries()) {
          const [had, own] = [before[at] ?? [], kept[at] ?? []]
          const name = `${table}.${column}`
          assert.isAbove(had.length, 0, `Teach this test to make a row in ${name}`)
          switch (onMerge) {
            case "follows": {
              assert.deepStrictEqual(yield* rowsOf(table, column, absorbed), [], name)
              const now = yield* rowsOf(table, column, survivor)
              assert.lengthOf(now, had.length + own.length, name)
              break
            }
            case "hangs": {
              const now = yield* Effect.forEach(keys, ({ id }) => rowsOf(table, column, id))
              assert.deepStrictEqual(now.flat(), had, name)
              break
            }
            case "stays": {
              const now =
                column === "key_id"
                  ? (yield* Effect.forEach(keys, ({ id }) => rowsOf(table, column, id))).flat()
                  : yield* rowsOf(table, column, absorbed)
              assert.includeMembers(now, had, name)
            }
          }
        }
      })
    )
  })

  layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("an erasure", (it) => {
    it.effect("leaves nothing of the contact in any column of any table, and everything of everybody else", () =>
      Effect.gen(function* () {
        const { asBrowser, asServer } = yield* TestHogsend
        const { sql, tables } = yield* catalog
        const erasures = yield* Erasures
        yield* subscribe("contact.created", "contact.updated", "contact.merged")
        const idempotency = (key: string) => ({ "idempotency-key": key })

        // Of yesterday, so that the address does not move.
        const late = { name: "n", timestamp: new Date(Date.now() - 86_400_000).toISOString() }
        // Somebody who stays, and whose keys the other one is refused.
        const bystander = { userId: "stays_user", email: "stays@else.example", anonymousId: "stays_anonymous" }
        yield* asServer("POST", "/v1/events", { name: "n", ...bystander, contactProperties: { city: "Bonn" } })

        // Somebody who goes: anonymous first, twice, then an address, then a user; merged, promoted and refused.
        const sent = [
          yield* asBrowser("POST", "/v1/events", { name: "n", anonymousId: "goes_visitor" }, idempotency("idem-1")),
          yield* asBrowser(
            "POST",
            "/v1/events",
            { name: "n", anonymousId: "goes_anonymous", contactProperties: { town: "Gone-Town" } },
            idempotency("idem-2")
          ),
          yield* asServer("POST", "/v1/events", { name: "n", email: "goes@away.example", anonymousId: "goes_visitor" }),
          yield* asServer("POST", "/v1/events", { name: "n", userId: "goes_promoted", anonymousId: "goes_anonymous" }),
          yield* asServer(
            "POST",
            "/v1/events",
            { name: "n", userId: "goes_promoted", email: "goes@away.example", eventProperties: { seen: "gone-word" } },
            idempotency("idem-3")
          ),
          yield* asServer("POST", "/v1/events", { ...late, userId: "goes_promoted", email: "stays@else.example" }),
          yield* asServer("POST", "/v1/events", { name: "n", userId: "goes_promoted", anonymousId: "undefined" }),
          yield* asServer("POST", "/v1/events", { ...late, userId: "goes_promoted", email: "stays@else.example" })
        ]
        for (const answer of sent) assert.strictEqual(answer.status, 202, JSON.stringify(answer.body))

        yield* Effect.flatMap(Warnings, ({ flush }) => flush)
        const contactId = yield* owner("goes_promoted")
        const stays = yield* owner("stays_user")
        assert.notStrictEqual(contactId, stays)
        yield* insertCutsAndReceipt(contactId, stays)
        const keys = yield* sql<{ id: string; value: string }>`
          select id, value from hogsend.identity_keys where contact_id = ${contactId}`
        const events = yield* sql<{ id: string }>`
          select e.id from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id where k.contact_id = ${contactId}`
        const merged = yield* sql<{ id: string }>`select id from hogsend.contacts where merged_into = ${contactId}`
        assert.isAbove(merged.length, 0)
        const needles = [
          contactId,
          ...merged.map(({ id }) => id),
          ...keys.flatMap(({ id, value }) => [id, value]),
          ...events.map(({ id }) => id),
          "goes_visitor",
          "goes_anonymous",
          "goes@away.example",
          "Gone-Town",
          "gone-word",
          "idem-1",
          "idem-2",
          "idem-3"
        ]
        for (const needle of needles) assert.isNotEmpty(yield* tablesWith(needle), needle)
        const others = Effect.forEach(
          tables.filter((table) => table !== "tombstones"),
          (table) =>
            Effect.map(
              sql<{ row: string }>`select t::text as row from ${sql.literal(`hogsend.${table}`)} t order by 1`,
              (rows) => rows.map(({ row }) => row).filter((row) => !needles.some((needle) => row.includes(needle)))
            )
        )
        const before = yield* others

        yield* erasures.erase(contactId as Parameters<typeof erasures.erase>[0], { name: "a test", keyId: null })

        for (const needle of needles) {
          const kept = needle === contactId ? keptAfterErasure : []
          assert.sameMembers([...(yield* tablesWith(needle))], kept, `${needle} is still there`)
        }
        const graves = yield* sql`select 1 from hogsend.tombstones`
        assert.lengthOf(graves, keys.length)
        const audited = yield* sql`select 1 from hogsend.audit_logs where resource_id = ${contactId}`
        assert.lengthOf(audited, 1)
        assert.deepStrictEqual(yield* others, before)
        assert.strictEqual(yield* owner("stays@else.example"), stays)

        const again = yield* asServer("POST", "/v1/events", { name: "n", userId: "goes_promoted" })
        assert.strictEqual(again.status, 202)
        assert.deepInclude(again.body, { stored: false })
        assert.deepStrictEqual(yield* tablesWith("goes_promoted"), [])
        yield* asServer("POST", "/v1/events", { name: "n", userId: "goes_promoted", restore: true })
        assert.notInclude(needles, yield* owner("goes_promoted"))
      })
    )
  })
})
