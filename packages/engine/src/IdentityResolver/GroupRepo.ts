/**
 * The SQL of a group: one look-up of all that it names, and the parts of the one statement that writes it.
 *
 * Nothing is locked before that statement. It takes its locks itself, waits for nobody who holds a contact or erases a key,
 * and ends with `hogsend.confirm_group`, which undoes all of it when what was looked up is no longer so.
 * Each `offset 0` makes one index probe for each row: a plan that was made while the tables were small, and is kept, would
 * read all of them.
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import { column } from "../Database.ts"
import { type OutboundEvent, OutboundMessages } from "../OutboundMessages.ts"
import { Tombstones } from "../Tombstones.ts"
import {
  type DatedRow,
  type KeyName,
  keyColumns,
  type makeIdentityRepo,
  micros,
  type NewKey,
  type SavedRow,
  type SignedNote
} from "./IdentityRepo.ts"
import type { KeyState } from "./snapshot.ts"

/** A key that a group names. */
export interface GroupKey extends KeyName {
  /** Whoever has it is written to, so the contact's row is needed. */
  readonly patches: boolean
}

/** When the requests of a group happened, in milliseconds: who was not seen since, or only later, is written to as well. */
export interface GroupTimes {
  readonly firstMs: number
  readonly seenMs: number
}

type Stored = Omit<DatedRow, "id" | "firstSeenAt" | "lastSeenAt">

/** A key, and of its contact when it was seen, in microseconds; its row when the group may write to it. */
export type Sighting = KeyState & {
  readonly firstSeenAt: number | null
  readonly lastSeenAt: number | null
} & ({ readonly version: null } | ({ readonly version: string } & Stored))

/** A group always reads the time, in microseconds, also when it knows no key. */
type Seen = { readonly now: number } & (Sighting | { readonly id: null })

/** What requests of a group change that change no key that is there, and what that relies on. */
export interface GroupChanges {
  readonly contacts: ReadonlyArray<SavedRow>
  readonly claims: ReadonlyArray<NewKey>
  readonly notes: ReadonlyArray<SignedNote>
  /**
   * Contacts that are there and are written to, as they were read. Whoever changes a contact's keys writes its row too, so
   * one that is unchanged has the same keys.
   */
  readonly written: ReadonlyArray<{ readonly id: string; readonly version: string }>
  /** Keys that must not be erased meanwhile. */
  readonly held: ReadonlyArray<string>
  /** Contacts that nobody may have identified. */
  readonly strangers: ReadonlyArray<string>
  readonly told: ReadonlyArray<OutboundEvent>
}

/** The group's part in the statement that writes it. */
export interface GroupStatement {
  /**
   * Those that the group needs: each costs every group that has it. They come after a part `claimed`, the idempotency keys:
   * parts of a statement have no order of their own, and locks do.
   */
  readonly parts: Fragment
  /** A call that undoes the statement when anything was taken; `missing` selects keys of which something was not written. */
  readonly confirm: (missing: Fragment) => Fragment
  /** Whether there are deliveries of what the group tells. */
  readonly heard: Fragment
}

const { text, uuid } = PgTypes.OID

export const makeGroupRepo = Effect.fnUntraced(function* (repo: Effect.Success<typeof makeIdentityRepo>) {
  const sql = yield* PgClient.PgClient
  const { macOf } = yield* Tombstones
  const outbound = yield* OutboundMessages
  const columns = sql.literal(keyColumns)

  const named = (keys: ReadonlyArray<GroupKey>, email: boolean) => {
    const asked = keys.filter(({ kind }) => (kind === "email") === email)
    const kind = sql.literal(email ? "kind = 'email'" : "kind <> 'email'")
    const values = asked.map(({ value }) => value)
    return sql`
      select k.*, patches
      from unnest(${column(values, text)}, ${column(
        asked.map(({ patches }) => patches),
        PgTypes.OID.bool
      )}) as v (asked, patches)
      cross join lateral (select * from hogsend.identity_keys where ${kind} and value = asked offset 0) k`
  }

  const joined = (parts: ReadonlyArray<Fragment>, by: string) =>
    parts.reduce((before, part) => sql`${before}${sql.literal(by)}${part}`)

  return {
    macOf,
    wake: outbound.wake,

    /**
     * The keys' rows, and every key of whom they belong to: one statement, so that a merge is seen whole or not at all.
     * Contacts' own ids are left out where nobody asks for them: one row less for everybody. With `listens` those come that
     * were not told yet.
     */
    lookUp: (keys: ReadonlyArray<GroupKey>, { firstMs, seenMs }: GroupTimes, listens: boolean) =>
      Effect.map(
        sql<Seen>`
      with named as (${named(keys, false)} union all ${named(keys, true)})
      select clock.now, seen.*
      from (select ${sql.literal(micros("hogsend.now()"))} as now) clock
      left join (
        select ${columns}, null::float8 as "firstSeenAt", null::float8 as "lastSeenAt", null as version,
          null::jsonb as properties, null::jsonb as "publicProperties", null as timezone, null as source,
          null::timestamptz as "createdAt", null::timestamptz as "updatedAt"
        from named where contact_id is null
        union all
        select k.*, c.*
        from (
          select contact_id as id, bool_or(patches) as patches, array_agg(id) as asked
          from named where contact_id is not null group by 1
        ) owner
        cross join lateral (
          select ${sql.literal(micros("first_seen_at"))}, ${sql.literal(micros("last_seen_at"))},
            case when wanted then version end, case when wanted then properties end,
            case when wanted then public_properties end, case when wanted then timezone end,
            case when wanted then source end, case when wanted then created_at end, case when wanted then updated_at end
          from (
            select *, xmin::text as version,
              owner.patches or first_seen_at > ${new Date(firstMs)} or last_seen_at < ${new Date(seenMs)} as wanted
            from hogsend.contacts where id = owner.id offset 0
          ) contact
        ) c
        cross join lateral (
          select ${columns} from hogsend.identity_keys where contact_id = owner.id and (kind <> 'contact'
            or id = any(owner.asked)${sql.literal(listens ? " or told_to is null" : "")})
          offset 0
        ) k
      ) seen on true`,
        (rows) => ({
          now: rows[0]?.now ?? 0,
          sightings: rows.filter((row): row is Extract<Seen, Sighting> => row.id !== null)
        })
      ),

    statement: Effect.fnUntraced(function* (changes: GroupChanges): Effect.fn.Return<GroupStatement> {
      const { claims, contacts, held, notes, strangers, told, written } = changes
      const uuids = (ids: ReadonlyArray<string>) => column(ids, uuid)
      const turn = sql`(select count(*) from claimed) >= 0`
      const macs = claims.filter(({ kind }) => kind !== "contact").map(macOf)
      const lost: Array<Fragment> = [
        sql`select id from unnest(${uuids(held)}) as v (id) where id not in (select id from held)`
      ]
      const parts: Array<Fragment> = [
        sql`held as materialized (
          select k.id from unnest(${uuids(held)}) as v (id)
          cross join lateral (
            select id from hogsend.identity_keys where id = v.id offset 0 for key share skip locked
          ) k where ${turn}
        )`
      ]
      if (claims.length > 0) {
        const keyIds = uuids(claims.map(({ keyId }) => keyId))
        parts.push(sql`new_keys as (${repo.claimKeys(claims, turn)})`, sql`noted as (${repo.insertLedger(notes)})`)
        lost.push(sql`select id from unnest(${keyIds}) as v (id) where id not in (select id from new_keys)`)
      }
      if (written.length > 0) {
        const ids = uuids(written.map(({ id }) => id))
        const versions = column(
          written.map(({ version }) => version),
          text
        )
        parts.push(sql`locked as materialized (
          select c.id from unnest(${ids}, ${versions}) as v (id, version)
          cross join lateral (
            select id from hogsend.contacts where id = v.id and xmin::text = version
            offset 0 for no key update skip locked
          ) c where ${turn}
        )`)
        lost.push(sql`select id from unnest(${ids}) as v (id) where id not in (select id from locked)`)
      }
      parts.push(sql`lost as materialized (${joined(lost, " union all ")})`)
      const ours = sql`not exists (select from lost)`
      if (contacts.length > 0) parts.push(sql`saved as (${repo.saveContacts(contacts, ours)})`)
      if (told.length > 0) parts.push(yield* outbound.parts(told, ours))
      return {
        parts: joined(parts, ", "),
        heard: told.length === 0 ? sql`false` : sql`exists (select from queued)`,
        confirm: (missing) => sql`hogsend.confirm_group(
          array(select id from lost union all ${missing}), ${uuids(strangers)}, ${column(macs, text)})`
      }
    })
  }
})

const Taken = Schema.Struct({ ids: Schema.Array(Schema.String), macs: Schema.Array(Schema.String) })
const decodeTaken = Schema.decodeUnknownOption(Schema.fromJsonString(Taken))

/** What `hogsend.confirm_group` undid a statement for: ids of keys and contacts, and tombstones. */
export const takenIn = ({ reason: { cause } }: SqlError): Option.Option<typeof Taken.Type> =>
  typeof cause === "object" && cause !== null && "detail" in cause ? decodeTaken(cause.detail) : Option.none()
