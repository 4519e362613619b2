/**
 * Everything that is kept of a contact, as one JSON document: the rows of every table of `personalTables`, so that none can
 * be forgotten, with the contact as everybody sees it and its keys.
 *
 * It is read in pages while it is sent, because a contact may have a million events, and not in one transaction: what is
 * written meanwhile may be in it or not.
 */
import type { PgClient } from "@effect/sql-pg"
import type { Contact, DatabaseUnavailable } from "@hogsend/core"
import { Effect, identity, Option, Stream } from "effect"
import { oneRow, orUnavailable } from "../Database.ts"
import { personalTables } from "../PersonalData.ts"

const pageSize = 1000

type Row = Readonly<Record<string, unknown>> & { readonly id: string }

/** The tables, each once, with the columns by which they name a contact or hang on a key. */
const tables = new Map([
  ["contacts", ["id"]],
  ...[...Map.groupBy(personalTables, ({ table }) => table)].map(
    ([table, entries]) => [table, entries.map(({ column }) => column)] as const
  )
])

export const makeExport = (sql: PgClient.PgClient) => {
  /** The rows of a table in which any of the columns has one of its ids, as texts of JSON with commas between. */
  const rowsOf = (
    table: string,
    columns: ReadonlyArray<string>,
    ids: (column: string) => ReadonlyArray<string>,
    shown: (row: Row) => Row
  ) => {
    const naming = sql.or(columns.map((column) => sql`${sql.literal(column)} = any(${ids(column)}::uuid[])`))
    return Stream.paginate(
      "00000000-0000-0000-0000-000000000000",
      Effect.fnUntraced(function* (after: string) {
        const rows = yield* sql<Row>`
          select * from ${sql.literal(`hogsend.${table}`)} where (${naming}) and id > ${after}::uuid
          order by id limit ${pageSize}`
        const last = rows.length < pageSize ? undefined : rows.at(-1)
        const page = rows.length === 0 ? [] : [rows.map((row) => toJson(shown(row))).join(",")]
        return [page, Option.map(Option.fromUndefinedOr(last), ({ id }) => id)] as const
      }, orUnavailable)
    )
  }

  return Effect.fnUntraced(function* (contact: Contact) {
    const { exportedAt } = yield* Effect.flatMap(
      sql<{ exportedAt: Date }>`select hogsend.now() as "exportedAt"`,
      oneRow
    )
    const line = yield* sql<{ id: string }>`select hogsend.contact_line(${contact.id}::uuid) as id`
    const keys = yield* sql<Row>`
      select id, coalesce(former->>'kind', kind) as kind, coalesce(former->>'value', value) as value, certified,
        asserted_by, first_asserted_at
      from hogsend.identity_keys where contact_id = ${contact.id} order by first_asserted_at, id`
    const ids = { contacts: line.map(({ id }) => id), keys: keys.map(({ id }) => id) }

    const data = [...tables].map(([table, columns]) => {
      const shown = table === "identity_ledger" ? ledgerRow : identity<Row>
      // Key by key, what hangs on keys alone is read along an index from page to page.
      const rows = columns.every((column) => column === "key_id")
        ? Stream.flatMap(Stream.fromIterable(ids.keys), (key) => rowsOf(table, columns, () => [key], shown))
        : rowsOf(table, columns, (column) => (column === "key_id" ? ids.keys : ids.contacts), shown)
      return rows.pipe(
        Stream.intersperse(","),
        (list) => Stream.concat(Stream.make(`${JSON.stringify(table)}:[`), list),
        Stream.concat(Stream.make("]"))
      )
    })
    const head = { exportedAt, contact, keys: keys.map(inCamelCase) }
    const parts: ReadonlyArray<Stream.Stream<string, DatabaseUnavailable>> = data.flatMap((table, at) =>
      at === 0 ? [table] : [Stream.make(","), table]
    )
    return Stream.make(`${JSON.stringify(head).slice(0, -1)},"data":{`).pipe(
      Stream.concat(Stream.flatten(Stream.fromIterable(parts))),
      Stream.concat(Stream.make("}}")),
      Stream.encodeText
    )
  })
}

/**
 * What an entry about two contacts keeps for a split holds the properties of both; the other's are not this person's to have,
 * and whose they were cannot be told when that one has been erased.
 */
const ledgerRow = (row: Row): Row => (row["other_contact_id"] === null ? row : { ...row, before: null, after: null })

const inCamelCase = (row: Row): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value
    ])
  )

/** Numbers that JavaScript cannot hold exactly are texts. */
const toJson = (row: Row): string =>
  JSON.stringify(inCamelCase(row), (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))
