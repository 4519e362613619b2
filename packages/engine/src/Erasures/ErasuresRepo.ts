/** The SQL of erasures: locking whom they are about, taking them out of reach, deleting them, and the receipts. */
import type { PgClient } from "@effect/sql-pg"
import type { ContactId, Erasure, ErasureStatus, Page } from "@hogsend/core"
import { Effect } from "effect"
import type { Actor } from "../AuditLogs.ts"
import { oneRow } from "../Database.ts"
import type { IdentityKeyKind } from "../IdentityKey.ts"
import { newId } from "../newId.ts"
import { personalTables } from "../PersonalData.ts"
import type { ProviderAsked } from "./providerReceipt.ts"

/** A key by which a contact is named: one that a request asserts, or the contact's own id. */
export interface NamedKey {
  readonly kind: IdentityKeyKind
  readonly value: string
}

export interface Owner {
  readonly keyId: string
  /** Null: a visitor who was only observed. */
  readonly contactId: string | null
}

/** A key under its lock. */
export interface LockedKey extends Owner, NamedKey {
  /** What it was before its contact was taken out of reach. */
  readonly former: NamedKey | null
  /** The key that the analytics provider was told to join it into, as long as that one is there. */
  readonly toldTo: string | null
}

/** Rows deleted, by table. */
export type Removed = Readonly<Record<string, number>>

/** What became of whoever was erased. */
export interface Done {
  readonly removed: Removed
  readonly provider: ProviderAsked
  /** For the answer alone, and never kept: by what the provider knows a person who is to be deleted there by hand. */
  readonly distinctIds: ReadonlyArray<string> | null
}

/** The receipt of an erasure, as far as the database keeps it. */
export type ErasureRow = Omit<typeof Erasure.Type, "provider"> & ProviderAsked

export const makeErasuresRepo = (sql: PgClient.PgClient) => {
  const columns = sql.literal(`id, contact_id as "contactId", status, requested_at as "requestedAt", due_at as "dueAt",
    ended_at as "endedAt", removed, coalesce(provider_outcome, 'none') as outcome, provider_delivery as "deliveryId"`)

  const ofStatus = (status: ErasureStatus | undefined) => (status === undefined ? sql`true` : sql`status = ${status}`)

  const line = (contactId: string) => sql`
    select c.id from hogsend.contacts c where c.id in (select hogsend.contact_line(${contactId}::uuid)) order by c.id`

  /** A key of a contact that waits for its erasure: by way of those, who are few. */
  const isWaiting = sql.literal("contact_id in (select hogsend.waiting_contacts()) and former is not null")

  const deleteFrom = (table: string, column: string, ids: ReadonlyArray<string>) =>
    sql<{ rows: number }>`
      with gone as (
        delete from ${sql.literal(`hogsend.${table}`)} where ${sql.literal(column)} = any(${ids}::uuid[]) returning 1
      )
      select count(*)::int as rows from gone`.pipe(
      Effect.flatMap(oneRow),
      Effect.map(({ rows }) => [table, rows] as const)
    )

  return {
    /** Whose these keys are now: a contact's, or nobody's yet. */
    owners: (keys: ReadonlyArray<NamedKey>) => sql<Owner>`
      select id as "keyId", contact_id as "contactId" from hogsend.identity_keys
      where (kind <> 'email' and value = any(${valuesOf(keys, false)}::text[]))
        or (kind = 'email' and value = any(${valuesOf(keys, true)}::text[]))
      order by id`,

    /** Whose these keys were, of the contacts that wait for their erasure. */
    formerOwners: (keys: ReadonlyArray<NamedKey>) => sql<Owner>`
      select id as "keyId", contact_id as "contactId" from hogsend.identity_keys
      where ${isWaiting} and (
        (former->>'kind' <> 'email' and former->>'value' = any(${valuesOf(keys, false)}::text[]))
        or (former->>'kind' = 'email' and former->>'value' = any(${valuesOf(keys, true)}::text[])))
      order by id`,

    /** The contact that has this id now, its own or an absorbed one's, also when it waits for its erasure. */
    ownerById: (id: ContactId) => sql<Owner>`
      select id as "keyId", contact_id as "contactId" from hogsend.identity_keys
      where kind = 'contact' and value = ${id}::uuid::text
      union all
      select id, contact_id from hogsend.identity_keys
      where ${isWaiting} and former->>'value' = ${id}::uuid::text and former->>'kind' = 'contact'
      order by 1`,

    /** The contact and everybody whom it absorbed, locked in the order that the whole product uses. */
    lockLine: (contactId: string) => sql<{ id: string }>`${line(contactId)} for no key update of c`,

    /** The same, or nothing when somebody else is at one of them. */
    tryLockLine: Effect.fnUntraced(function* (contactId: string) {
      const locked = yield* sql<{ id: string }>`${line(contactId)} for no key update of c skip locked`
      return locked.length === (yield* line(contactId)).length ? locked : []
    }),

    keysOf: (contactId: string) => sql<{ id: string }>`
      select id from hogsend.identity_keys where contact_id = ${contactId}`,

    /** Keys that were asserted with the contacts and left out for a limit: nobody's, and this person's all the same. */
    leftOutOf: (contactIds: ReadonlyArray<string>) => sql<{ id: string }>`
      select distinct k.id from hogsend.identity_ledger l join hogsend.identity_keys k on k.id = l.key_id
      where l.contact_id = any(${contactIds}::uuid[]) and l.rule = 'too_many_keys' and k.contact_id is null`,

    /** An event that was observed under one of the keys may be on its way: it arrives first. */
    lockKeys: (keyIds: ReadonlyArray<string>) => sql<LockedKey>`
      select id as "keyId", contact_id as "contactId", kind, value, former,
        (select id from hogsend.identity_keys where id = k.told_to) as "toldTo"
      from hogsend.identity_keys k where id = any(${keyIds}::uuid[]) order by id for update`,

    /** The idempotency keys of the keys' events; answers how many there were. */
    eraseIdempotencyKeys: (keyIds: ReadonlyArray<string>) =>
      sql<{ rows: number }>`
        with gone as (
          delete from hogsend.idempotency_keys
          where event_id in (select id from hogsend.events where key_id = any(${keyIds}::uuid[])) returning 1
        )
        select count(*)::int as rows from gone`.pipe(
        Effect.flatMap(oneRow),
        Effect.map(({ rows }) => rows)
      ),

    /** Everything else that hangs on the keys or names the contacts, and at last these. */
    eraseAll: Effect.fnUntraced(function* (contactIds: ReadonlyArray<string>, keyIds: ReadonlyArray<string>) {
      const personal = personalTables.filter(({ survivesErasure }) => survivesErasure !== true)
      const removed = [
        ...(yield* Effect.forEach(personal, ({ column, table }) =>
          deleteFrom(table, column, column === "key_id" ? keyIds : contactIds)
        )),
        yield* deleteFrom("identity_keys", "id", keyIds),
        yield* deleteFrom("contacts", "id", contactIds)
      ]
      const sums = Map.groupBy(removed, ([table]) => table)
      return Object.fromEntries(
        [...sums].map(([table, counts]) => [table, counts.reduce((sum, [, rows]) => sum + rows, 0)])
      ) satisfies Removed
    }),

    /** Nobody finds the contact by any of its keys any more; what hangs on them stays. */
    hide: (contactId: string, keyIds: ReadonlyArray<string>, days: number) =>
      Effect.andThen(
        sql`
          update hogsend.identity_keys set kind = 'history', value = '$' || id, contact_id = ${contactId},
            former = jsonb_build_object('kind', kind, 'value', value, 'observed', contact_id is null)
          where id = any(${keyIds}::uuid[]) and kind <> 'history'`,
        sql`
          update hogsend.contacts set erase_after = hogsend.now() + make_interval(days => ${days}::int)
          where id = ${contactId}`
      ),

    /** Undoes `hide`. A key that is somebody's by now is a unique violation. */
    show: (contactId: string) =>
      Effect.andThen(
        sql`
          update hogsend.identity_keys set kind = former->>'kind', value = former->>'value', former = null,
            contact_id = case when not (former->>'observed')::boolean then contact_id end
          where contact_id = ${contactId} and former is not null`,
        sql`update hogsend.contacts set erase_after = null where id = ${contactId}`
      ),

    insertDone: (contactId: string | null, actor: Actor, { provider, removed }: Done) =>
      sql<ErasureRow>`
        insert into hogsend.erasures (id, contact_id, status, actor, actor_key_id, due_at, ended_at, removed,
          provider_outcome, provider_delivery)
        values (${newId()}, ${contactId}::uuid, 'done', ${actor.name}, ${actor.keyId}::uuid, hogsend.now(), hogsend.now(),
          ${sql.json(removed)}, ${provider.outcome}, ${provider.deliveryId}::uuid)
        returning ${columns}`.pipe(Effect.flatMap(oneRow)),

    insertPending: (contactId: string, actor: Actor, days: number) =>
      sql<ErasureRow>`
        insert into hogsend.erasures (id, contact_id, status, actor, actor_key_id, due_at)
        values (${newId()}, ${contactId}, 'pending', ${actor.name}, ${actor.keyId}::uuid,
          hogsend.now() + make_interval(days => ${days}::int))
        returning ${columns}`.pipe(Effect.flatMap(oneRow)),

    finish: (id: string, { provider, removed }: Done) =>
      sql<ErasureRow>`
        update hogsend.erasures set status = 'done', due_at = least(due_at, hogsend.now()), ended_at = hogsend.now(),
          removed = ${sql.json(removed)}, provider_outcome = ${provider.outcome},
          provider_delivery = ${provider.deliveryId}::uuid
        where id = ${id} returning ${columns}`.pipe(Effect.flatMap(oneRow)),

    cancel: (id: string) =>
      sql<ErasureRow>`
        update hogsend.erasures set status = 'cancelled', ended_at = hogsend.now()
        where id = ${id} returning ${columns}`.pipe(Effect.flatMap(oneRow)),

    /** What the provider took by now: its delivery is not kept for as long as the receipt is. */
    noteDeleted: sql`
      update hogsend.erasures set provider_outcome = 'deleted'
      where provider_outcome = 'asked'
        and (select status from hogsend.deliveries where id = provider_delivery) = 'delivered'`,

    find: (id: string) => sql<ErasureRow>`select ${columns} from hogsend.erasures where id = ${id}`,

    /** The erasure that the contact waits for, and who asked for it; under the contact's lock. */
    lockPending: (contactId: string) => sql<Actor & { readonly id: string; readonly due: boolean }>`
      select id, actor as name, actor_key_id as "keyId", due_at <= hogsend.now() as due
      from hogsend.erasures where contact_id = ${contactId} and status = 'pending' for update`,

    /** Whom it is time to erase, the longest due first. */
    due: (limit: number, offset: number) => sql<{ contactId: string }>`
      select contact_id as "contactId" from hogsend.erasures
      where status = 'pending' and due_at <= hogsend.now() order by due_at, id limit ${limit} offset ${offset}`,

    list: ({ limit, offset }: Page, status: ErasureStatus | undefined) => sql<ErasureRow>`
      select ${columns} from hogsend.erasures where ${ofStatus(status)} order by id desc limit ${limit} offset ${offset}`,

    count: (status: ErasureStatus | undefined) =>
      sql<{ total: number }>`select count(*)::int as total from hogsend.erasures where ${ofStatus(status)}`.pipe(
        Effect.flatMap(oneRow),
        Effect.map(({ total }) => total)
      )
  }
}

const valuesOf = (keys: ReadonlyArray<NamedKey>, email: boolean) =>
  keys.filter(({ kind }) => (kind === "email") === email).map(({ value }) => value)
