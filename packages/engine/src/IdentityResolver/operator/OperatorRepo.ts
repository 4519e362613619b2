/** The SQL of what operators ask of identity: the ledger, cuts, and taking a contact apart. */
import { PgClient } from "@effect/sql-pg"
import type { LedgerAction, NamedKey, Page } from "@hogsend/core"
import { Effect, Schema } from "effect"
import type { Actor } from "../../AuditLogs.ts"
import { oneRow } from "../../Database.ts"
import { newId } from "../../newId.ts"
import type { DatedRow } from "../IdentityRepo.ts"
import type { Chapter } from "./retell.ts"

/** A row of the ledger, with the key that it names. */
export interface LedgerRow {
  readonly id: string
  readonly occurredAt: Date
  readonly action: LedgerAction
  readonly rule: string
  readonly contactId: string | null
  readonly otherContactId: string | null
  readonly keyKind: NamedKey["kind"] | null
  readonly keyValue: string | null
  readonly assertedBy: string
  readonly actor: string
  readonly before: Schema.Json
  readonly after: Schema.Json
}

export interface CutRow {
  readonly id: string
  readonly contactId: string
  readonly otherContactId: string
  readonly actor: string
  readonly createdAt: Date
}

export interface LineRow extends DatedRow {
  readonly mergedInto: string | null
}

const DateFromText = Schema.DateFromString
const StoredRow = Schema.Struct({
  id: Schema.String,
  properties: Schema.Record(Schema.String, Schema.Json),
  publicProperties: Schema.Record(Schema.String, Schema.Struct({ value: Schema.Json, keyId: Schema.String })),
  timezone: Schema.NullOr(Schema.String),
  source: Schema.NullOr(Schema.String),
  firstSeenAt: DateFromText,
  lastSeenAt: DateFromText
})
const keyIds = Schema.Array(Schema.String)
const decodeMerge = Schema.decodeUnknownEffect(
  Schema.Struct({ before: Schema.Struct({ survivor: StoredRow, absorbed: StoredRow, keyIds }), after: StoredRow })
)
const decodeSplit = Schema.decodeUnknownEffect(
  Schema.Struct({
    before: Schema.Struct({ contact: StoredRow, keyIds }),
    after: Schema.Struct({ contact: StoredRow, splitOff: StoredRow })
  })
)

/** What the ledger says was written by us, so anything else is a bug. */
const chapterOf = (row: { readonly action: string; readonly before: Schema.Json; readonly after: Schema.Json }) =>
  Effect.orDie(
    row.action === "merged"
      ? Effect.map(decodeMerge(row), ({ after, before }): Chapter => ({ _tag: "Merged", ...before, after }))
      : Effect.map(decodeSplit(row), ({ after, before }): Chapter => ({
          _tag: "Split",
          ...before,
          staying: after.contact,
          splitOff: after.splitOff
        }))
  )

export const makeOperatorRepo = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient

  const ledgerColumns = sql.literal(`l.id, l.occurred_at as "occurredAt", l.action, l.rule, l.contact_id as "contactId",
    l.other_contact_id as "otherContactId", k.kind as "keyKind", k.value as "keyValue", l.asserted_by as "assertedBy",
    l.actor, l.before, l.after`)
  const cutColumns = sql.literal(`id, contact_id as "contactId", other_contact_id as "otherContactId", actor,
    created_at as "createdAt"`)

  /** Who is cut from the contact. */
  const cutFrom = (contactId: string) => sql<{ id: string }>`
    select other_contact_id as id from hogsend.identity_cuts where contact_id = ${contactId}
    union
    select contact_id from hogsend.identity_cuts where other_contact_id = ${contactId}`

  /** Of nobody who waits for their erasure. */
  const isVisible = (table: string) =>
    sql.literal(`(${table}.contact_id is null or ${table}.contact_id not in (select hogsend.waiting_contacts()))
      and (${table}.other_contact_id is null or ${table}.other_contact_id not in (select hogsend.waiting_contacts()))`)

  /** The ids of the contact and of everybody whom it absorbed. */
  const lineOf = (contactId: string) =>
    Effect.map(sql<{ id: string }>`select hogsend.contact_line(${contactId}::uuid) as id`, (rows) =>
      rows.map(({ id }) => id)
    )

  return {
    cutFrom,
    lineOf,

    /** The contact and everybody whom it absorbed, with who is cut from it; in the order that the whole product locks. */
    lockLine: (contactId: string) => sql<LineRow>`
      select id, properties, public_properties as "publicProperties", timezone, source, first_seen_at as "firstSeenAt",
        last_seen_at as "lastSeenAt", created_at as "createdAt", updated_at as "updatedAt",
        merged_into as "mergedInto"
      from hogsend.contacts
      where id in (select hogsend.contact_line(${contactId}::uuid) union ${cutFrom(contactId)})
      order by id for no key update`,

    /** The merges and splits of these contacts, oldest first. */
    storyOf: (contactIds: ReadonlyArray<string>) =>
      Effect.flatMap(
        sql<{ action: string; before: Schema.Json; after: Schema.Json }>`
          select action, before, after from hogsend.identity_ledger
          where action in ('merged', 'split')
            and (contact_id = any(${contactIds}::uuid[]) or other_contact_id = any(${contactIds}::uuid[]))
          order by turn nulls first, id`,
        Effect.forEach(chapterOf)
      ),

    countEvents: (keyIds: ReadonlyArray<string>) =>
      Effect.map(
        Effect.flatMap(
          sql<{ total: number }>`
            select count(*)::int as total from hogsend.events where key_id = any(${keyIds}::uuid[])`,
          oneRow
        ),
        ({ total }) => total
      ),

    moveKeys: (keyIds: ReadonlyArray<string>, from: string, to: string) => sql<{ id: string }>`
      update hogsend.identity_keys set contact_id = ${to}
      where id = any(${keyIds}::uuid[]) and contact_id = ${from} returning id`,

    restoreContact: (contactId: string) => sql`
      update hogsend.contacts set merged_into = null where id = ${contactId}`,

    setMergedInto: (contactIds: ReadonlyArray<string>, survivorId: string) => sql`
      update hogsend.contacts set merged_into = ${survivorId} where id = any(${contactIds}::uuid[])`,

    insertCut: Effect.fnUntraced(function* (contactId: string, otherContactId: string, actor: Actor) {
      const id = newId()
      yield* sql`
        insert into hogsend.identity_cuts (id, contact_id, other_contact_id, actor, actor_key_id)
        values (${id}, ${contactId}, ${otherContactId}, ${actor.name}, ${actor.keyId}::uuid)`
      return id
    }),

    /** Whoever was cut from the one is cut from the other as well. */
    copyCuts: Effect.fnUntraced(function* (from: string, to: string) {
      const others = yield* cutFrom(from)
      yield* Effect.forEach(
        others.filter(({ id }) => id !== to),
        ({ id }) => sql`
          insert into hogsend.identity_cuts (id, contact_id, other_contact_id, actor, actor_key_id)
          select ${newId()}, ${to}, ${id}, actor, actor_key_id from hogsend.identity_cuts
          where (contact_id, other_contact_id) in ((${from}, ${id}), (${id}, ${from})) limit 1`
      )
    }),

    cutsBetween: (a: string, b: string) => sql<{ id: string }>`
      select id from hogsend.identity_cuts
      where (contact_id = ${a} and other_contact_id = ${b}) or (contact_id = ${b} and other_contact_id = ${a})`,

    /** And every other between the same two: merges of what was cut can bring several together. */
    deleteCut: (id: string) => sql<CutRow>`
      delete from hogsend.identity_cuts where exists (
        select 1 from hogsend.identity_cuts named where named.id = ${id} and (
          (named.contact_id = identity_cuts.contact_id and named.other_contact_id = identity_cuts.other_contact_id)
          or (named.contact_id = identity_cuts.other_contact_id and named.other_contact_id = identity_cuts.contact_id)))
      returning ${cutColumns}`,

    findCut: (id: string) => sql<CutRow>`select ${cutColumns} from hogsend.identity_cuts where id = ${id}`,

    cutsOf: (contactId: string) => sql<CutRow>`
      select ${cutColumns} from hogsend.identity_cuts
      where (contact_id = ${contactId} or other_contact_id = ${contactId}) and ${isVisible("identity_cuts")}
      order by id desc`,

    listCuts: ({ limit, offset }: Page) => sql<CutRow>`
      select ${cutColumns} from hogsend.identity_cuts where ${isVisible("identity_cuts")}
      order by id desc limit ${limit} offset ${offset}`,

    countCuts: Effect.flatMap(
      sql<{ total: number }>`
        select count(*)::int as total from hogsend.identity_cuts where ${isVisible("identity_cuts")}`,
      oneRow
    ),

    /** What concerns the key: it itself, the making of the contact whose id it is, and what carried it along. */
    historyOf: (
      key: { readonly id: string; readonly contactId: string | null },
      ownId: string | null
    ) => sql<LedgerRow>`
      with recursive places as (
        (
          select contact_id as id from hogsend.identity_ledger where key_id = ${key.id} and contact_id is not null
          union select ${key.contactId}::uuid
          union select ${ownId}::uuid
        )
        union
        select case when l.action = 'merged' then l.contact_id else l.other_contact_id end
        from places p join hogsend.identity_ledger l
          on (l.action = 'merged' and l.other_contact_id = p.id) or (l.action = 'split' and l.contact_id = p.id)
        where jsonb_exists(l.before->'keyIds', ${key.id})
      )
      select * from (
        select ${ledgerColumns}
        from hogsend.identity_ledger l left join hogsend.identity_keys k on k.id = l.key_id
        where ${isVisible("l")} and (
          l.key_id = ${key.id} or (l.action = 'created' and l.contact_id = ${ownId}::uuid)
          or (
            l.action in ('merged', 'split') and l.contact_id in (select id from places)
            and jsonb_exists(l.before->'keyIds', ${key.id})
          )
          or (
            l.action in ('cut', 'cut_lifted')
            and (l.contact_id in (select id from places) or l.other_contact_id in (select id from places))
          ))
        order by l.id desc limit 500
      ) newest order by id`,

    /** Newest first; of a contact and whom it absorbed, of an action, both, or all. */
    listLedger: Effect.fnUntraced(function* (
      { limit, offset }: Page,
      { action, contactId }: { readonly action?: string | undefined; readonly contactId?: string | undefined }
    ) {
      // Read first, so that both indexes can be used.
      const line = contactId === undefined ? [] : yield* lineOf(contactId)
      const where = sql.and([
        isVisible("l"),
        action === undefined ? sql`true` : sql`l.action = ${action}`,
        contactId === undefined
          ? sql`true`
          : sql`(l.contact_id = any(${line}::uuid[]) or l.other_contact_id = any(${line}::uuid[]))`
      ])
      const rows = yield* sql<LedgerRow>`
        select ${ledgerColumns} from hogsend.identity_ledger l left join hogsend.identity_keys k on k.id = l.key_id
        where ${where} order by l.id desc limit ${limit} offset ${offset}`
      const { total } = yield* Effect.flatMap(
        sql<{ total: number }>`select count(*)::int as total from hogsend.identity_ledger l where ${where}`,
        oneRow
      )
      return { rows, total }
    })
  }
})
