/** The SQL of identity: reading and locking what a decision needs, and taking its steps. */
import { PgClient } from "@effect/sql-pg"
import type { LedgerAction } from "@hogsend/core"
import { Effect, type Schema } from "effect"
import type { Actor } from "../AuditLogs.ts"
import { oneRow } from "../Database.ts"
import { newId } from "../newId.ts"
import { slotOf } from "../IdentityKey.ts"
import { personalTables } from "../PersonalData.ts"
import { Tombstones } from "../Tombstones.ts"
import type { PublicProperty } from "../contactProperties.ts"
import type { AssertedBy, ContactState, Cut, KeyState, Snapshot } from "./snapshot.ts"
import type { Step } from "./Step.ts"

/** A contact's row as it was read under its lock. */
export interface ContactRow {
  readonly id: string
  readonly properties: Readonly<Record<string, Schema.Json>>
  readonly publicProperties: Readonly<Record<string, PublicProperty>>
  readonly timezone: string | null
  readonly source: string | null
  readonly firstSeenAt: Date
  readonly lastSeenAt: Date
}

/** With when it was made and last changed, by the database's clock. */
export interface DatedRow extends ContactRow {
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** To be saved with the time at which the database read it, or else that of the transaction. */
export interface SavedRow extends ContactRow {
  readonly savedAt?: Date
}

/** What the ledger is told; who and when it knows by itself. */
export interface Note {
  readonly action: LedgerAction
  readonly rule: string
  readonly contactId?: string | null
  readonly otherContactId?: string | null
  readonly keyId?: string | null
  readonly before?: unknown
  readonly after?: unknown
}

/** A note with who made it. */
export interface SignedNote extends Note {
  readonly assertedBy: AssertedBy
  readonly actor: string
  readonly actorKeyId: string | null
}

export const signedBy =
  (assertedBy: AssertedBy, actor: Actor) =>
  (note: Note): SignedNote => ({ ...note, assertedBy, actor: actor.name, actorKeyId: actor.keyId })

/** A key that nobody has claimed yet, and who puts it at its contact. */
export type NewKey = Placing &
  Omit<Extract<Step, { readonly _tag: "ClaimKey" }>, "_tag"> &
  Partial<Pick<KeyState, "toldTo">>

/** A key by its namespace and value, whatever kind it has in the store. */
export type KeyName = Pick<KeyState, "kind" | "value">

/** Who puts a key at its contact, and when what says so happened. */
export interface Placing {
  readonly assertedBy: AssertedBy
  readonly occurredAt: Date
}

/** A time in microseconds since 1970, in SQL. `date_part` answers a float8, which is some digits short of them, and costs a tenth of `extract`. */
export const micros = (time: string): string => `round(date_part('epoch', ${time}) * 1000000)`

export const keyColumns = `id, kind, value, contact_id as "contactId", certified, asserted_by as "assertedBy",
  ${micros("first_asserted_at")} as "firstAssertedAt", ${micros("preferred_at")} as "preferredAt",
  ${micros("placed_at")} as "placedAt", ${micros("not_before")} as "notBefore", told_to as "toldTo"`

/** Keys are moved by `repointKeys`, which says which ones. */
const followers = personalTables.filter(({ onMerge, table }) => onMerge === "follows" && table !== "identity_keys")

export const makeIdentityRepo = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const tombstones = yield* Tombstones
  const columns = sql.literal(keyColumns)

  const valuesOf = (keys: ReadonlyArray<KeyName>, email: boolean) =>
    keys.filter((key) => (key.kind === "email") === email).map((key) => key.value)

  /** The rows of the asserted keys, as far as they exist. */
  const findKeys = (keys: ReadonlyArray<KeyName>) => sql<KeyState>`
    select ${columns} from hogsend.identity_keys where kind <> 'email' and value = any(${valuesOf(keys, false)}::text[])
    union all
    select ${columns} from hogsend.identity_keys where kind = 'email' and value = any(${valuesOf(keys, true)}::text[])`

  /** The rows of the asserted keys, and of every key of these contacts. */
  const findKeysAround = (keys: ReadonlyArray<KeyName>, contactIds: ReadonlyArray<string>) =>
    contactIds.length === 0
      ? findKeys(keys)
      : sql<KeyState>`
          ${findKeys(keys)}
          union all
          select ${columns} from hogsend.identity_keys where contact_id = any(${contactIds}::uuid[])`

  const cutsAmong = (ids: ReadonlyArray<string>) =>
    Effect.map(
      sql<{ one: string; other: string }>`
        select contact_id as one, other_contact_id as other from hogsend.identity_cuts
        where contact_id = any(${ids}::uuid[]) and other_contact_id = any(${ids}::uuid[])`,
      (rows) => rows.map(({ one, other }): Cut => [one, other])
    )

  const savedFields = sql.literal(`id, properties, public_properties, timezone, source, first_seen_at, last_seen_at,
    created_at, updated_at`)
  const contactFields = sql.literal(`id, properties, "publicProperties", timezone, source, "firstSeenAt", "lastSeenAt",
    coalesce("savedAt", hogsend.now()), coalesce("savedAt", hogsend.now())`)
  const contactRows = (rows: ReadonlyArray<SavedRow>) => sql`jsonb_to_recordset(${sql.json(rows)}) as n (id uuid,
    properties jsonb, "publicProperties" jsonb, timezone text, source text, "firstSeenAt" timestamptz,
    "lastSeenAt" timestamptz, "savedAt" timestamptz)`
  const contactColumns = sql.literal(`id, properties, public_properties as "publicProperties", timezone, source,
    first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt", created_at as "createdAt", updated_at as "updatedAt"`)

  /**
   * New ones, and those whose rows are locked. By the conflict, so that it is one index probe for each: a plan for an
   * `update … from` that was made while the table was small, and is kept, would read all of it.
   */
  const saveContacts = (rows: ReadonlyArray<SavedRow>, turn = sql`true`) => sql`
    insert into hogsend.contacts (${savedFields})
    select ${contactFields} from ${contactRows(rows)} where ${turn}
    on conflict (id) do update
    set (properties, public_properties, timezone, source, first_seen_at, last_seen_at, updated_at) =
      row (excluded.properties, excluded.public_properties, excluded.timezone, excluded.source, excluded.first_seen_at,
        excluded.last_seen_at, excluded.updated_at)`

  /** Answers the ids that were won: a value that somebody else claimed meanwhile is left out. */
  const claimKeys = (keys: ReadonlyArray<NewKey>, turn = sql`true`) => sql<{ id: string }>`
    insert into hogsend.identity_keys
      (id, kind, value, certified, contact_id, asserted_by, placed_at, preferred_at, not_before, told_to, told_at)
    select "keyId", kind, value, certified, "contactId", "assertedBy", "occurredAt",
      case when preferred then hogsend.now() end, to_timestamp("notBefore" / 1000000), "toldTo",
      case when "toldTo" is not null then hogsend.now() end
    from jsonb_to_recordset(${sql.json(keys)}) as k ("keyId" uuid, kind text, value text, certified boolean,
      "contactId" uuid, "assertedBy" text, "occurredAt" timestamptz, preferred boolean, "notBefore" float8, "toldTo" uuid)
    where ${turn}
    order by value
    on conflict do nothing
    returning id`

  /** A refusal that is written down already is not written down again: it comes with every request. */
  const insertLedger = (notes: ReadonlyArray<SignedNote>) => sql`
    insert into hogsend.identity_ledger
      (id, action, rule, contact_id, other_contact_id, key_id, asserted_by, actor, actor_key_id, before, after)
    select id, action, rule, "contactId", "otherContactId", "keyId", "assertedBy", actor, "actorKeyId", before, after
    from jsonb_to_recordset(${sql.json(notes.map((note) => ({ id: newId(), ...note })))})
      as l (id uuid, action text, rule text, "contactId" uuid, "otherContactId" uuid, "keyId" uuid, "assertedBy" text,
        actor text, "actorKeyId" uuid, before jsonb, after jsonb)
    where action <> 'join_refused' or not exists (
      select 1 from hogsend.identity_ledger known
      where known.key_id = "keyId" and known.contact_id = "contactId" and known.action = 'join_refused'
        and known.rule = l.rule and "otherContactId" is not distinct from known.other_contact_id
      union all
      select 1 from hogsend.identity_ledger known
      where "keyId" is null and known.key_id is null and known.contact_id = "contactId"
        and known.action = 'join_refused' and known.rule = l.rule)`

  return {
    findKeys,

    /** When the persons who held these strings were erased, by `slotOf`. */
    findErased: tombstones.find,

    /** Locks the contacts in the one order that the whole product uses. */
    lockContacts: (ids: ReadonlyArray<string>) => sql<DatedRow>`
      select ${contactColumns} from hogsend.contacts where id = any(${ids}::uuid[]) order by id for no key update`,

    /** Their keys are others now; a group that read them with their rows sees by these that something is new. */
    touchContacts: (ids: ReadonlyArray<string>) => sql`
      update hogsend.contacts set updated_at = hogsend.now() where id = any(${ids}::uuid[])`,

    /** What is known now of the asserted keys and of these contacts. */
    snapshot: Effect.fnUntraced(function* (keys: ReadonlyArray<KeyName>, contacts: ReadonlyArray<ContactRow>) {
      const rows = yield* findKeysAround(
        keys,
        contacts.map(({ id }) => id)
      )
      const { now } = yield* Effect.flatMap(
        sql<{ now: number }>`select (extract(epoch from hogsend.now()) * 1000000)::float8 as now`,
        oneRow
      )
      const byContact = Map.groupBy(new Map(rows.map((row) => [row.id, row])).values(), (row) => row.contactId)
      const known = new Map(rows.map((row) => [slotOf(row.kind, row.value), row]))
      return {
        now,
        keys: known,
        erased: yield* tombstones.find(keys.filter(({ kind, value }) => !known.has(slotOf(kind, value)))),
        cuts: contacts.length < 2 ? [] : yield* cutsAmong(contacts.map(({ id }) => id)),
        contacts: new Map(
          contacts.map(({ firstSeenAt, id }): [string, ContactState] => [
            id,
            { id, firstSeenAt: firstSeenAt.getTime() * 1000, keys: byContact.get(id) ?? [] }
          ])
        )
      } satisfies Snapshot
    }),

    /** The key's row, and every key of whom it belongs to: one statement, so that a merge is seen whole or not at all. */
    findKeyAndSiblings: (key: KeyName) => sql<KeyState>`
      with named as (${findKeys([key])})
      select * from named where "contactId" is null
      union all
      select ${columns} from hogsend.identity_keys where contact_id = (select "contactId" from named)`,

    findKeysOf: (contactIds: ReadonlyArray<string>) => sql<KeyState>`
      select ${columns} from hogsend.identity_keys where contact_id = any(${contactIds}::uuid[])`,

    /** The strings of keys, by the keys' ids. */
    valuesOfKeys: (keyIds: ReadonlyArray<string>) =>
      Effect.map(
        sql<{ id: string; value: string }>`
          select id, value from hogsend.identity_keys where id = any(${keyIds}::uuid[])`,
        (rows) => new Map(rows.map(({ id, value }) => [id, value]))
      ),

    claimKeys,
    saveContacts,
    insertLedger,

    /** Until the end of the transaction the key can be linked, and cannot be erased; answers nothing when it is somebody's. */
    holdFreeKey: (keyId: string) => sql<{ id: string }>`
      select id from hogsend.identity_keys where id = ${keyId} and contact_id is null for key share`,

    /** A key that nobody holds gets its contact; answers nothing when somebody was faster. */
    linkKey: (keyId: string, contactId: string, { assertedBy, occurredAt }: Placing) => sql<{ firstAssertedAt: Date }>`
      update hogsend.identity_keys
      set contact_id = ${contactId}, asserted_by = ${assertedBy}, placed_at = ${occurredAt}
      where id = ${keyId} and contact_id is null returning first_asserted_at as "firstAssertedAt"`,

    promoteKey: (
      { contactId, from, keyId }: { readonly keyId: string; readonly from: string | null; readonly contactId: string },
      { assertedBy, occurredAt }: Placing
    ) => sql<{ id: string }>`
      update hogsend.identity_keys
      set kind = 'external', contact_id = ${contactId}, asserted_by = ${assertedBy}, placed_at = ${occurredAt}
      where id = ${keyId} and kind = 'anonymous' and contact_id is not distinct from ${from}::uuid returning id`,

    /** The string leaves the key, and what hangs on it stays; answers nothing when it is no longer that contact's. */
    retireKey: (keyId: string, contactId: string) => sql<{ id: string }>`
      update hogsend.identity_keys set kind = 'history', value = '$' || id::text
      where id = ${keyId} and contact_id = ${contactId} returning id`,

    /** Answers those that were not told before. */
    markTold: (marks: ReadonlyArray<readonly [keyId: string, toldTo: string]>) => sql<{ id: string }>`
      update hogsend.identity_keys k set told_at = hogsend.now(), told_to = m."toldTo"
      from unnest(${marks.map(([keyId]) => keyId)}::uuid[], ${marks.map(([, toldTo]) => toldTo)}::uuid[])
        as m ("keyId", "toldTo")
      where k.id = m."keyId" and k.told_at is null returning k.id`,

    /** As if they had never been told. */
    unmarkTold: (keyIds: ReadonlyArray<string>) => sql`
      update hogsend.identity_keys set told_at = null, told_to = null where id = any(${keyIds}::uuid[])`,

    placeKey: (keyId: string, { assertedBy, occurredAt }: Placing) => sql`
      update hogsend.identity_keys set asserted_by = ${assertedBy}, placed_at = ${occurredAt} where id = ${keyId}`,

    preferKey: (keyId: string) => sql`
      update hogsend.identity_keys set preferred_at = hogsend.now() where id = ${keyId}`,

    /** The absorbed contact's own id says who brought it, and when. */
    repointKeys: (absorbedId: string, survivorId: string, by: AssertedBy) => sql<{ id: string }>`
      update hogsend.identity_keys set contact_id = ${survivorId},
        asserted_by = case when value = ${absorbedId}::uuid::text then ${by} else asserted_by end,
        placed_at = case when value = ${absorbedId}::uuid::text then hogsend.now() else placed_at end
      where contact_id = ${absorbedId} returning id`,

    /** What else names a contact follows it. */
    repointFollowers: Effect.fnUntraced(function* (absorbedId: string, survivorId: string) {
      for (const { column, table } of followers) {
        const [name, reference] = [sql.literal(`hogsend.${table}`), sql.literal(column)]
        yield* sql`update ${name} set ${reference} = ${survivorId} where ${reference} = ${absorbedId}`
      }
    }),

    markMerged: (absorbedId: string, survivorId: string) => sql`
      update hogsend.contacts
      set merged_into = ${survivorId}, properties = '{}', public_properties = '{}', updated_at = hogsend.now()
      where id = ${absorbedId}`
  }
})
