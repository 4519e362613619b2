/** The SQL of identity: reading and locking what a decision needs, and taking its steps. */
import { PgClient } from "@effect/sql-pg"
import type { VouchedBy } from "@hogsend/core"
import { Effect, type Schema } from "effect"
import type { Actor } from "../AuditLogs.ts"
import { oneRow } from "../Database.ts"
import { slotOf } from "../IdentityKey.ts"
import { personalTables } from "../PersonalData.ts"
import type { PublicProperty } from "../contactProperties.ts"
import type { AssertedKey, ContactState, KeyState, Snapshot } from "./snapshot.ts"

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

export interface LedgerEntry {
  readonly id: string
  readonly action: string
  readonly rule: string
  readonly contactId: string | null
  readonly otherContactId: string | null
  readonly keyId: string | null
  readonly before: unknown
  readonly after: unknown
}

/** Keys are moved by `repointKeys`, which says which ones. */
const followers = personalTables.filter(({ onMerge, table }) => onMerge === "follows" && table !== "identity_keys")

export const makeIdentityRepo = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const micros = (column: string) => sql.literal(`(extract(epoch from ${column}) * 1000000)::float8`)
  const keyColumns = sql`id, kind, value, contact_id as "contactId", certified,
    ${micros("first_asserted_at")} as "firstAssertedAt", ${micros("preferred_at")} as "preferredAt"`

  const valuesOf = (keys: ReadonlyArray<AssertedKey>, email: boolean) =>
    keys.filter((key) => (key.kind === "email") === email).map((key) => key.value)

  /** The rows of the asserted keys, as far as they exist. */
  const findKeys = (keys: ReadonlyArray<AssertedKey>) => sql<KeyState>`
    select ${keyColumns} from hogsend.identity_keys where kind <> 'email' and value = any(${valuesOf(keys, false)}::text[])
    union all
    select ${keyColumns} from hogsend.identity_keys where kind = 'email' and value = any(${valuesOf(keys, true)}::text[])`

  /** The rows of the asserted keys, and of every key of these contacts. */
  const findKeysAround = (keys: ReadonlyArray<AssertedKey>, contactIds: ReadonlyArray<string>) =>
    contactIds.length === 0
      ? findKeys(keys)
      : sql<KeyState>`
          ${findKeys(keys)}
          union all
          select ${keyColumns} from hogsend.identity_keys where contact_id = any(${contactIds}::uuid[])`

  const contactColumns = sql.literal(`id, properties, public_properties as "publicProperties", timezone, source,
    first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt"`)

  return {
    findKeys,

    /** Locks the contacts in the one order that the whole product uses. */
    lockContacts: (ids: ReadonlyArray<string>) => sql<ContactRow>`
      select ${contactColumns} from hogsend.contacts where id = any(${ids}::uuid[]) order by id for no key update`,

    /** What is known now of the asserted keys and of these contacts. */
    snapshot: Effect.fnUntraced(function* (keys: ReadonlyArray<AssertedKey>, contacts: ReadonlyArray<ContactRow>) {
      const rows = yield* findKeysAround(
        keys,
        contacts.map(({ id }) => id)
      )
      const { now } = yield* Effect.flatMap(sql<{ now: number }>`select ${micros("hogsend.now()")} as now`, oneRow)
      const byContact = Map.groupBy(new Map(rows.map((row) => [row.id, row])).values(), (row) => row.contactId)
      return {
        now,
        keys: new Map(rows.map((row) => [slotOf(row.kind, row.value), row])),
        contacts: new Map(
          contacts.map(({ firstSeenAt, id }): [string, ContactState] => [
            id,
            { id, firstSeenAt: firstSeenAt.getTime() * 1000, keys: byContact.get(id) ?? [] }
          ])
        )
      } satisfies Snapshot
    }),

    /** The key's row, and every key of whom it belongs to: one statement, so that a merge is seen whole or not at all. */
    findKeyAndSiblings: (key: AssertedKey) => sql<KeyState>`
      with found as (${findKeys([key])})
      select ${keyColumns} from hogsend.identity_keys where id in (select id from found)
      union
      select ${keyColumns} from hogsend.identity_keys where contact_id in (select "contactId" from found)`,

    insertContacts: (ids: ReadonlyArray<string>, source: string, seenAt: Date) => sql<ContactRow>`
      insert into hogsend.contacts (id, source, first_seen_at, last_seen_at)
      select new.id, ${source}, ${seenAt}, ${seenAt} from unnest(${ids}::uuid[]) as new (id)
      returning ${contactColumns}`,

    /** Answers the ids that were won: a value that somebody else claimed meanwhile is left out. */
    claimKeys: (
      keys: ReadonlyArray<{
        readonly keyId: string
        readonly kind: string
        readonly value: string
        readonly certified: boolean
        readonly contactId: string | null
        readonly preferred: boolean
      }>,
      assertedBy: VouchedBy
    ) => sql<{ id: string }>`
      insert into hogsend.identity_keys (id, kind, value, certified, contact_id, asserted_by, preferred_at)
      select "keyId", kind, value, certified, "contactId", ${assertedBy}, case when preferred then hogsend.now() end
      from jsonb_to_recordset(${sql.json(keys)})
        as k ("keyId" uuid, kind text, value text, certified boolean, "contactId" uuid, preferred boolean)
      order by value
      on conflict do nothing
      returning id`,

    /** Until the end of the transaction the key can be linked, and cannot be erased; answers nothing when it is somebody's. */
    holdFreeKey: (keyId: string) => sql<{ id: string }>`
      select id from hogsend.identity_keys where id = ${keyId} and contact_id is null for key share`,

    /** A key that nobody holds gets its contact; answers nothing when somebody was faster. */
    linkKey: (keyId: string, contactId: string) => sql<{ firstAssertedAt: Date }>`
      update hogsend.identity_keys set contact_id = ${contactId}
      where id = ${keyId} and contact_id is null returning first_asserted_at as "firstAssertedAt"`,

    promoteKey: (keyId: string, from: string | null, contactId: string) => sql<{ id: string }>`
      update hogsend.identity_keys set kind = 'external', contact_id = ${contactId}
      where id = ${keyId} and kind = 'anonymous' and contact_id is not distinct from ${from}::uuid returning id`,

    preferEmail: (keyId: string) => sql`
      update hogsend.identity_keys set preferred_at = hogsend.now() where id = ${keyId}`,

    repointKeys: (absorbedId: string, survivorId: string) => sql<{ id: string }>`
      update hogsend.identity_keys set contact_id = ${survivorId} where contact_id = ${absorbedId} returning id`,

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
      where id = ${absorbedId}`,

    saveContact: (row: ContactRow) => sql`
      update hogsend.contacts set properties = ${sql.json(row.properties)},
        public_properties = ${sql.json(row.publicProperties)}, timezone = ${row.timezone}, source = ${row.source},
        first_seen_at = ${row.firstSeenAt}, last_seen_at = ${row.lastSeenAt}, updated_at = hogsend.now()
      where id = ${row.id}`,

    insertLedger: (entries: ReadonlyArray<LedgerEntry>, assertedBy: VouchedBy, actor: Actor) => sql`
      insert into hogsend.identity_ledger
        (id, action, rule, contact_id, other_contact_id, key_id, asserted_by, actor, actor_key_id, before, after)
      select id, action, rule, "contactId", "otherContactId", "keyId", ${assertedBy}, ${actor.name}, ${actor.keyId}::uuid,
        before, after
      from jsonb_to_recordset(${sql.json(entries)}) as l (id uuid, action text, rule text, "contactId" uuid,
        "otherContactId" uuid, "keyId" uuid, before jsonb, after jsonb)`
  }
})
