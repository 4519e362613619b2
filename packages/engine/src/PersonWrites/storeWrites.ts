/**
 * Writes down what the provider is to be told of persons and groups, many in one transaction.
 *
 * A write hangs on the contact that holds its distinct id, as a key of any kind but an email, under the lock of that
 * contact, where its deliveries take their turns. A contact that somebody else is at keeps nobody else waiting: who needs it
 * goes after the others, in a transaction of its own. Where no contact holds it, the write hangs on `strangerId`; once one
 * does, what still waits there goes over to the contact, so that the order stays.
 */
import { PgClient } from "@effect/sql-pg"
import type { DatabaseUnavailable } from "@hogsend/core"
import { Effect, Exit, Result } from "effect"
import { Moved, orUnavailable, untilStill } from "../Database.ts"
import { normaliseKey, shorten, slotOf } from "../IdentityKey.ts"
import { type OutboundEvent, OutboundMessages } from "../OutboundMessages.ts"
import { strangerId } from "../strangerId.ts"
import { type BuriedKey, Tombstones } from "../Tombstones.ts"
import { Warnings } from "../Warnings.ts"

type Untold<Event> = Event extends OutboundEvent ? Omit<Event, "contactId"> : never

export interface Write {
  /** Null: it is about a group. */
  readonly distinctId: string | null
  readonly event: Untold<Extract<OutboundEvent, { readonly type: "person.set" | "group.set" }>>
}

export const makeStoreWrites = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const tombstones = yield* Tombstones
  const outbound = yield* OutboundMessages
  const warnings = yield* Warnings
  const transact = untilStill(sql)

  const lockHolders = (distinctIds: ReadonlyArray<string>, waits: boolean) => sql<{ id: string }>`
    select id from hogsend.contacts where id = any(array(
      select contact_id from hogsend.identity_keys where kind <> 'email' and value = any(${distinctIds}::text[])
    )) order by id for no key update ${sql.literal(waits ? "" : "skip locked")}`

  const findKeys = (distinctIds: ReadonlyArray<string>) => sql<{ value: string; contactId: string | null }>`
    select value, contact_id as "contactId" from hogsend.identity_keys
    where kind <> 'email' and value = any(${distinctIds}::text[])`

  /** Of those that are nobody's key. An erased person's address is one of them, too. */
  const findErased = Effect.fnUntraced(function* (distinctIds: ReadonlyArray<string>) {
    const keysOf = (value: string): ReadonlyArray<BuriedKey> => [
      { kind: "external", value },
      { kind: "email", value: Result.getOrElse(normaliseKey("email", value), () => value) }
    ]
    const found = yield* tombstones.find(distinctIds.flatMap(keysOf))
    return distinctIds.filter((value) => keysOf(value).some((key) => found.has(slotOf(key.kind, key.value))))
  })

  /** Answers those that are left, since somebody else is at their contact. */
  const store = Effect.fnUntraced(function* (writes: ReadonlyArray<Write>, waits: boolean) {
    const distinctIds = [...new Set(writes.flatMap(({ distinctId }) => distinctId ?? []))]
    const locked = new Set((yield* lockHolders(distinctIds, waits)).map(({ id }) => id))
    const keys = new Map((yield* findKeys(distinctIds)).map(({ contactId, value }) => [value, contactId]))
    const erased = yield* findErased(distinctIds.filter((value) => !keys.has(value)))
    const isErased = new Set(erased)

    const [left, adopted, events]: [Array<Write>, Array<{ from: string; to: string }>, Array<OutboundEvent>] = [
      [],
      [],
      []
    ]
    for (const write of writes) {
      const { distinctId, event } = write
      const stranger = strangerId(tombstones, distinctId ?? groupName(write))
      const contactId = (distinctId === null ? null : keys.get(distinctId)) ?? null
      if (contactId !== null && !locked.has(contactId)) left.push(write)
      else if (distinctId === null || !isErased.has(distinctId)) {
        if (contactId !== null) adopted.push({ from: stranger, to: contactId })
        events.push({ ...event, contactId: contactId ?? stranger })
      }
    }
    if (waits && left.length > 0) return yield* new Moved()
    yield* outbound.adopt(adopted)
    yield* outbound.tell(events)
    yield* warnings.record(erased.map(erasedPerson), { source: "api", contactId: null })
    return left
  })

  const commit = (writes: ReadonlyArray<Write>, waits: boolean) => orUnavailable(transact(store(writes, waits)))

  /** Answers for each of them. */
  return Effect.fnUntraced(function* (writes: ReadonlyArray<Write>) {
    const first = yield* Effect.exit(commit(writes, false))
    if (Exit.isFailure(first)) return writes.map(() => Exit.asVoid(first))
    const left = new Set(first.value)
    const second = left.size === 0 ? Exit.void : Exit.asVoid(yield* Effect.exit(commit(first.value, true)))
    return writes.map((write): Exit.Exit<void, DatabaseUnavailable> => (left.has(write) ? second : Exit.void))
  })
})

/** No key begins with `$`: no person is meant. */
const groupName = ({ event: { data } }: Write): string =>
  "groupType" in data ? `$group:${data.groupType}:${data.groupKey}` : ""

const erasedPerson = (distinctId: string) => ({
  code: "erased_person",
  key: { kind: "external" as const, value: shorten("external", distinctId) },
  hint: "The person of this distinct id was erased, so the analytics provider was told nothing of it."
})
