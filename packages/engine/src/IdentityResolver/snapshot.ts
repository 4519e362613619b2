/**
 * What the resolver knows when it decides: the keys that a request asserts, whose they are, and every key of those
 * contacts. Plain data, so that `decide` runs without a database.
 */
import type { ContactId, ContactKeyKind, ContactSummary, VouchedBy } from "@hogsend/core"
import type { AssertedKeyKind, IdentityKeyKind } from "../IdentityKey.ts"

/** On whose word a key came to its contact. */
export type AssertedBy = VouchedBy | "operator"

/** A key as a request asserts it, normalised. */
export interface AssertedKey {
  readonly kind: AssertedKeyKind
  readonly value: string
}

/** Whom a request is about, and on whose word. */
export interface Assertion {
  /** Strongest first: external, email, anonymous; one of each at the most. */
  readonly keys: ReadonlyArray<AssertedKey>
  readonly vouchedBy: VouchedBy
  /** The request brought the secret that its certified anonymous id is derived from. */
  readonly anonymousProven: boolean
  /** Only looks: an anonymous browser that writes nothing to a contact makes a key and no contact. */
  readonly observesOnly: boolean
  /**
   * One key, of which nobody knows what kind of id it is: what was sent hangs on whoever holds the string, as whatever it is,
   * or on the string alone. Joins, makes and names nobody.
   */
  readonly attaches?: boolean
  /** A server says that an erased person is to begin again, as a new and empty contact. */
  readonly restores: boolean
  /** When the user's token was made, in microseconds since 1970; null without one. */
  readonly tokenIssuedAt: number | null
}

/** A row of `identity_keys`. Times are microseconds of the database's clock. */
export interface KeyState {
  readonly id: string
  readonly kind: IdentityKeyKind
  readonly value: string
  readonly contactId: string | null
  readonly certified: boolean
  readonly firstAssertedAt: number
  readonly preferredAt: number | null
  readonly assertedBy: AssertedBy
  /** When what put it at its contact happened; null of older rows. */
  readonly placedAt: number | null
  /** The string was an erased person's: what happened before this is theirs. */
  readonly notBefore: number | null
  /**
   * The external key that the analytics provider was told to join this one into; the key itself, when there is nothing to
   * tell of it.
   */
  readonly toldTo: string | null
}

/** A contact with all of its keys. */
export interface ContactState {
  readonly id: string
  readonly firstSeenAt: number
  readonly keys: ReadonlyArray<KeyState>
}

export interface Snapshot {
  /** The database's time of this transaction. */
  readonly now: number
  /** Keys that exist, by `slotOf`. */
  readonly keys: ReadonlyMap<string, KeyState>
  readonly contacts: ReadonlyMap<string, ContactState>
  /** When the person who held a string was erased, by `slotOf`, for asserted keys that do not exist. */
  readonly erased: ReadonlyMap<string, number>
  /** Pairs of these contacts that an operator split. */
  readonly cuts: ReadonlyArray<Cut>
}

export type Cut = readonly [contactId: string, otherContactId: string]

/** What the rules about a contact's keys look at. */
export type WithKeys = Pick<ContactState, "keys">

/** The one that was preferred last, else the first: an operator may have brought two together. */
export const externalOf = (contact: WithKeys): KeyState | undefined =>
  preferredOf(contact.keys.filter((key) => key.kind === "external"))

export const emailsOf = (contact: WithKeys): ReadonlyArray<KeyState> =>
  contact.keys.filter((key) => key.kind === "email")

/** Has an external id or an email. */
export const isIdentified = (contact: WithKeys): boolean =>
  contact.keys.some((key) => key.kind === "external" || key.kind === "email")

/** The smallest by (first asserted at, value). */
export const canonicalAnonymousOf = (contact: WithKeys): KeyState | undefined =>
  contact.keys
    .filter((key) => key.kind === "anonymous")
    .reduce<KeyState | undefined>((best, key) => (best === undefined || isEarlier(key, best) ? key : best), undefined)

const isEarlier = (a: KeyState, b: KeyState): boolean =>
  a.firstAssertedAt !== b.firstAssertedAt ? a.firstAssertedAt < b.firstAssertedAt : a.value < b.value

/** The address that mail goes to: asserted last together with the strongest key, else the first. */
export const currentEmailOf = (contact: WithKeys): KeyState | undefined => preferredOf(emailsOf(contact))

const preferredOf = (keys: ReadonlyArray<KeyState>): KeyState | undefined =>
  keys.reduce<KeyState | undefined>((best, key) => {
    if (best === undefined) return key
    const [a, b] = [key.preferredAt ?? -1, best.preferredAt ?? -1]
    return a !== b ? (a > b ? key : best) : isEarlier(key, best) ? key : best
  }, undefined)

export interface ContactKey {
  readonly contactKey: string
  readonly contactKeyKind: ContactKeyKind
  readonly safeToIdentify: boolean
}

/** `external id ?? canonical anonymous id ?? contact id`. */
export const contactKeyOf = (contact: Pick<ContactState, "id" | "keys">): ContactKey => {
  const external = externalOf(contact)
  if (external !== undefined) return { contactKey: external.value, contactKeyKind: "external", safeToIdentify: true }
  const anonymous = canonicalAnonymousOf(contact)
  return anonymous === undefined
    ? { contactKey: contact.id, contactKeyKind: "contact", safeToIdentify: false }
    : anonymousContactKey(anonymous.value)
}

export const summaryOf = (contact: Pick<ContactState, "id" | "keys">): ContactSummary => ({
  id: contact.id as ContactId,
  ...contactKeyOf(contact)
})

/** The key of somebody of whom nothing is kept: what the caller knows them by. Never an email, so it may be empty. */
export const contactKeyAsSent = (keys: ReadonlyArray<AssertedKey>): ContactKey => {
  const key = keys.find(({ kind }) => kind !== "email")
  return key?.kind === "external"
    ? { contactKey: key.value, contactKeyKind: "external", safeToIdentify: false }
    : key === undefined
      ? { contactKey: "", contactKeyKind: "contact", safeToIdentify: false }
      : anonymousContactKey(key.value)
}

/** The contact key of a visitor who is no contact yet. */
export const anonymousContactKey = (value: string): ContactKey => ({
  contactKey: value,
  contactKeyKind: "anonymous",
  safeToIdentify: false
})
