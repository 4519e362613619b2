/**
 * What the outside world is told of contacts, from how they were and how they are after one transaction: pure.
 *
 * Who keeps a copy of the contacts by what is told has the right one: who is there that was not was created, who is not
 * there any more was merged into somebody or deleted, and who differs in a key, a property or the time zone was updated; when
 * they were last seen is no difference. A contact that comes and goes in one transaction was never there, and nothing is told
 * of it. In this order: who lost a key, who is new, who became one, who got something, who left.
 */
import { Equal } from "effect"
import type { OutboundEvent } from "../OutboundMessages.ts"
import type { Changes } from "./applySteps.ts"
import type { ContactRow, DatedRow } from "./IdentityRepo.ts"
import { type PublicContact, publicContact } from "./publicContact.ts"
import type { KeyState } from "./snapshot.ts"

/** A contact at some time. */
export interface Portrait {
  readonly contact: PublicContact
  /** The keys that a request can name, with their kinds. */
  readonly names: ReadonlyArray<string>
}

export const portraitOf = (row: DatedRow, keys: ReadonlyArray<KeyState>): Portrait => ({
  contact: publicContact(row, keys),
  names: keys
    .filter(({ kind }) => kind !== "contact" && kind !== "history")
    .map(({ kind, value }) => `${kind}:${value}`)
    .toSorted()
})

/** A row as the database dates it at the end of this transaction; `was` is what was locked of it. */
export const savedAt = (now: Date, row: ContactRow, was: DatedRow | undefined): DatedRow =>
  row === was ? was : { ...row, createdAt: was?.createdAt ?? now, updatedAt: now }

/** Everybody whom a transaction is about, before and after it; `merged` says where those went who were absorbed. */
export interface BeforeAndAfter {
  readonly before: ReadonlyArray<Portrait>
  readonly after: ReadonlyArray<Portrait>
  readonly merged?: Changes["merged"]
}

export const contactEvents = ({ after, before, merged = [] }: BeforeAndAfter): ReadonlyArray<OutboundEvent> => {
  const was = new Map(before.map((portrait) => [portrait.contact.id, portrait]))
  const is = new Map(after.map((portrait) => [portrait.contact.id, portrait]))
  const survivorOf = (id: string): string => {
    const merge = merged.find(({ absorbedId }) => absorbedId === id)
    return merge === undefined ? id : survivorOf(merge.survivorId)
  }
  const gone = before.filter(({ contact }) => !is.has(contact.id))
  const absorbed = Map.groupBy(gone, ({ contact }) => survivorOf(contact.id))

  const updates = after.flatMap((now) => {
    const then = was.get(now.contact.id)
    return then === undefined ? [] : updated(then, now)
  })
  const [losing, gaining] = [updates.filter(({ loses }) => loses), updates.filter(({ loses }) => !loses)]
  return [
    ...losing.map(({ event }) => event),
    ...after.filter(({ contact }) => !was.has(contact.id)).map(created),
    ...after.flatMap((now) => {
      const previous = absorbed.get(now.contact.id)
      return previous === undefined ? [] : [mergedEvent(now, was.get(now.contact.id), previous)]
    }),
    ...gaining.map(({ event }) => event),
    ...gone.filter(({ contact }) => survivorOf(contact.id) === contact.id).map(deleted)
  ]
}

const personOf = ({ contactKey, contactKeyKind, id }: PublicContact) =>
  ({ userId: contactKey, contactKeyKind, contactId: id }) as const

const created = ({ contact }: Portrait): OutboundEvent => ({
  type: "contact.created",
  contactId: contact.id,
  data: { ...contact, ...personOf(contact) }
})

const updated = (then: Portrait, now: Portrait) => {
  const changedProperties = differing(then.contact.properties, now.contact.properties)
  const changed = [
    ...(isSameKeys(then, now) ? [] : ["keys" as const]),
    ...(changedProperties.length === 0 ? [] : ["properties" as const]),
    ...(then.contact.timezone === now.contact.timezone ? [] : ["timezone" as const])
  ]
  if (changed.length === 0) return []
  const event: OutboundEvent = {
    type: "contact.updated",
    contactId: now.contact.id,
    data: { ...now.contact, ...personOf(now.contact), changed, changedProperties }
  }
  return [{ event, loses: then.names.some((name) => !now.names.includes(name)) }]
}

/** `previousKeys` has what a reader may know the person by: what was absorbed, and what the survivor's key was. */
const mergedEvent = (now: Portrait, then: Portrait | undefined, absorbed: ReadonlyArray<Portrait>): OutboundEvent => {
  const renamed = then === undefined || then.contact.contactKey === now.contact.contactKey ? [] : [then]
  return {
    type: "contact.merged",
    contactId: now.contact.id,
    data: {
      ...personOf(now.contact),
      previousKeys: [...absorbed, ...renamed].map(({ contact }) => personOf(contact))
    }
  }
}

const deleted = ({ contact }: Portrait): OutboundEvent => {
  const { email, externalId, id } = contact
  return { type: "contact.deleted", contactId: id, data: { ...personOf(contact), id, externalId, email } }
}

/** Which keys there are, and which of them are shown. */
const isSameKeys = (then: Portrait, now: Portrait): boolean => Equal.equals(shownKeys(then), shownKeys(now))

const shownKeys = ({ contact: { anonymousId, email, externalId }, names }: Portrait) => [
  externalId,
  email,
  anonymousId,
  ...names
]

/** By content: the database gives the names inside of a value back in an order of its own. */
const differing = (then: PublicContact["properties"], now: PublicContact["properties"]): ReadonlyArray<string> =>
  Object.keys({ ...then, ...now }).filter((name) => !Equal.equals(then[name], now[name]))
