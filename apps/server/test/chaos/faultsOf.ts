/**
 * What the database kept of all that was sent to it, held against what was answered: a list of sentences, empty when every
 * promise was kept. It looks at the whole database, so that nothing else can be in it either.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import { eventsOf, type Sent } from "./runSenders.ts"
import type { Draft } from "./makeSender.ts"

export interface StoredEvent {
  readonly id: string
  readonly name: string
  readonly properties: Draft["eventProperties"]
  readonly value: number | null
  readonly idempotencyKey: string
  readonly keyValue: string
  readonly contactId: string | null
}

/** Everything that there is, read in one transaction. */
export const readKept = (sql: PgClient) =>
  Effect.gen(function* () {
    const events = yield* sql<StoredEvent>`
      select e.id, e.name, e.properties, e.value::float8 as value, e.idempotency_key as "idempotencyKey",
        k.value as "keyValue", k.contact_id as "contactId"
      from hogsend.events e left join hogsend.identity_keys k on k.id = e.key_id`
    const keys = yield* sql<{ value: string; contactId: string | null; living: boolean }>`
      select k.value, k.contact_id as "contactId", c.id is not null as living
      from hogsend.identity_keys k left join hogsend.contacts c on c.id = k.contact_id and c.merged_into is null`
    const contacts = yield* sql<{ id: string; properties: Readonly<Record<string, unknown>> }>`
      select id, properties from hogsend.contacts where merged_into is null`
    const claims = yield* sql<{ key: string; eventId: string }>`
      select key, event_id as "eventId" from hogsend.idempotency_keys`
    return {
      events: Map.groupBy(events, ({ idempotencyKey }) => idempotencyKey),
      keys: new Map(keys.map((key) => [key.value, key])),
      contacts: new Map(contacts.map(({ id, properties }) => [id, properties])),
      claims
    }
  }).pipe(sql.withTransaction)

export type Kept = Effect.Success<ReturnType<typeof readKept>>

/** Strongest first: an event hangs on the first of them. */
const keysOf = ({ anonymousId, email, userId }: Draft) =>
  [userId, email, anonymousId].filter((value) => value !== undefined)

const contentOf = (draft: Draft) =>
  JSON.stringify([draft.name, draft.eventProperties.sender, draft.eventProperties.seq, draft.eventProperties.says])

/** Of every event that was sent: as often there as it must be, with its content, its key and its contact. */
const eventFaults = ({ events, keys }: Kept, sent: ReadonlyArray<Sent>): ReadonlyArray<string> =>
  eventsOf(sent).flatMap(({ draft, item }) => {
    const found = events.get(draft.idempotencyKey) ?? []
    const answered = item === undefined ? "not answered" : `answered 202 with contactKey ${item.contactKey}`
    const about = `${draft.idempotencyKey} (${draft.name}, ${keysOf(draft).join(" + ")}) was ${answered}`
    const [event] = found
    if (found.length > 1)
      return [`${about}, and is there ${found.length} times: ${found.map(({ id }) => id).join(", ")}`]
    if (event === undefined) return item === undefined ? [] : [`${about}, and is not there`]
    const { contactId, keyValue, name, properties, value } = event
    const there = JSON.stringify([name, properties.sender, properties.seq, properties.says])
    const stray = [...keysOf(draft), ...(item === undefined ? [] : [item.contactKey])].filter(
      (key) => keys.get(key)?.contactId !== contactId
    )
    return [
      ...(there === contentOf(draft) ? [] : [`${about}, and says ${there} instead of ${contentOf(draft)}`]),
      ...(value === (draft.value ?? null) ? [] : [`${about}, and has the value ${value} instead of ${draft.value}`]),
      ...(keyValue === keysOf(draft)[0] ? [] : [`${about}, and hangs on the key ${keyValue}`]),
      ...(contactId === null ? [`${about}, and has no contact`] : []),
      ...stray.map(
        (key) => `${about} and is contact ${contactId}'s, but ${key} is ${keys.get(key)?.contactId ?? "nobody"}'s`
      )
    ]
  })

/** Others join these too, and a merge keeps the survivor's properties: what they say depends on the order. */
const isTangled = (keyValue: string) => keyValue.includes("tangle")

/** Of every contact: it says the last that each sender told it, and `last` is the last of one of them. */
const patchFaults = ({ contacts, events, keys }: Kept, sent: ReadonlyArray<Sent>): ReadonlyArray<string> => {
  const told = new Map<string, Map<string, number>>()
  for (const { contactProperties, idempotencyKey } of eventsOf(sent).map(({ draft }) => draft)) {
    const [event] = events.get(idempotencyKey) ?? []
    if (contactProperties === undefined || event === undefined || isTangled(event.keyValue)) continue
    const ofContact = told.get(event.contactId ?? "") ?? new Map<string, number>()
    const { sender, seq } = event.properties
    told.set(event.contactId ?? "", ofContact.set(sender, Math.max(seq, ofContact.get(sender) ?? 0)))
  }
  return [...told].flatMap(([contactId, bySender]) => {
    const properties = contacts.get(contactId) ?? {}
    const names = [...keys.values()].filter((key) => key.contactId === contactId).map(({ value }) => value)
    const about = `The contact of ${names.toSorted().toReversed().join(", ")}`
    const lasts = [...bySender].map(([sender, seq]) => `${sender} ${seq}`)
    return [
      ...[...bySender]
        .filter(([sender, seq]) => properties[sender] !== seq)
        .map(
          ([sender, seq]) =>
            `${about} has ${sender}-${seq} as the last event with a patch of ${sender}, and says ${JSON.stringify(properties[sender])}`
        ),
      ...(lasts.includes(String(properties["last"]))
        ? []
        : [`${about} says last = ${JSON.stringify(properties["last"])}, which is none of ${lasts.join(", ")}`])
    ]
  })
}

/** What can be there only when half of a request is. */
const halfFaults = ({ claims, contacts, events, keys }: Kept, sent: ReadonlyArray<Sent>): ReadonlyArray<string> => {
  const known = new Set(eventsOf(sent).map(({ draft }) => draft.idempotencyKey))
  const stored = new Set([...events.values()].flat().map(({ id }) => id))
  const claimed = new Set(claims.map(({ eventId }) => eventId))
  const named = new Set([...keys.values()].map(({ contactId }) => contactId))
  return [
    ...[...events.keys()].filter((id) => !known.has(id)).map((id) => `Nobody sent ${id}, and it is there`),
    ...claims.filter(({ eventId }) => !stored.has(eventId)).map(({ key }) => `${key} is claimed, and has no event`),
    ...[...events.values()]
      .flat()
      .flatMap(({ id, idempotencyKey }) =>
        claimed.has(id) ? [] : [`${idempotencyKey} is there, and its idempotency key is not claimed`]
      ),
    ...[...keys.values()].filter(({ living }) => !living).map(({ value }) => `The key ${value} has no living contact`),
    ...[...contacts.keys()].filter((id) => !named.has(id)).map((id) => `The contact ${id} has no key`)
  ]
}

export const faultsOf = (kept: Kept, sent: ReadonlyArray<Sent>): ReadonlyArray<string> => [
  ...sent.flatMap(({ reply, request }) =>
    reply._tag === "Wrong" ? [`${request.drafts[0]?.idempotencyKey} (${request.route}) was answered ${reply.why}`] : []
  ),
  ...eventFaults(kept, sent),
  ...patchFaults(kept, sent),
  ...halfFaults(kept, sent)
]
