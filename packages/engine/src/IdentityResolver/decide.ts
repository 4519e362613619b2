/**
 * The rules of identity, as one pure function: an assertion and what is known go in, the steps to take come out.
 *
 * It starts at the strongest asserted key (unknown: a contact for it) and takes each weaker key in turn: free: link; held
 * by another contact: merge the two, unless that would bring together two external ids, or two emails by an anonymous id
 * (a family's browser), or an operator split them, or a limit is reached. A key that may not join stays where it is, but an
 * address moves to the user whom a server named with it last. A trusted user id that is so far a contact's id or a
 * certified anonymous id names that contact; any other anonymous id is promoted to an external id. Keys of an erased
 * person change nothing. An assertion that only attaches looks whose its key is, and changes nothing either.
 */
import { isCertifiedShape, slotOf } from "../IdentityKey.ts"
import { brokenByMerge, type IdentityLimits, isFull, overflowTogether } from "./limits.ts"
import type { AssertedKey, Assertion, ContactState, KeyState, Snapshot } from "./snapshot.ts"
import { emailsOf, externalOf, isIdentified } from "./snapshot.ts"
import type { RefusalRule, Step } from "./Step.ts"
import { makeWorld, type World } from "./world.ts"

export type Decision =
  | { readonly _tag: "Denied" }
  /** The person was erased, and nothing is stored. */
  | { readonly _tag: "Erased"; readonly keys: ReadonlyArray<AssertedKey> }
  | ResolvedDecision

export interface ResolvedDecision {
  readonly _tag: "Resolved"
  readonly steps: ReadonlyArray<Step>
  /** The key that what was sent hangs on. */
  readonly keyId: string
  /** The contact as it is after the steps; null for a visitor who was only observed. */
  readonly contact: ContactState | null
  /** Whether it was identified before the steps. */
  readonly wasIdentified: boolean
  /** Weaker keys that were an erased person's, and were left out. */
  readonly erased: ReadonlyArray<AssertedKey>
}

/** What a decision needs to know beside the assertion and the store. */
export interface Circumstances {
  /** Gives ids to what is new. */
  readonly mint: () => string
  /** When what is asserted happened, in microseconds since 1970. */
  readonly occurredAt: number
  readonly limits: IdentityLimits
}

/** The assertion has at least one key. */
export const decide = (assertion: Assertion, snapshot: Snapshot, circumstances: Circumstances): Decision => {
  const { limits, mint, occurredAt } = circumstances
  const world = makeWorld(snapshot, mint, { by: assertion.vouchedBy, occurredAt })
  const erased = assertion.keys.filter((key) => isErased(key, world.key(key), assertion, snapshot, occurredAt))
  const [strongest, ...others] = assertion.keys
  const weaker = others.filter((key) => !erased.includes(key))
  if (strongest === undefined || isDenied(assertion, strongest, world)) return { _tag: "Denied" }
  if (erased.includes(strongest)) return { _tag: "Erased", keys: erased }
  if (assertion.attaches === true) return attach(strongest, world)

  const known = world.key(strongest)
  if (assertion.observesOnly && (known === undefined || known.contactId === null)) {
    return {
      _tag: "Resolved",
      steps: world.steps,
      keyId: known?.id ?? world.claim(strongest, null, false),
      contact: null,
      wasIdentified: false,
      erased
    }
  }

  const identifiedBefore = new Set([...snapshot.contacts.values()].filter(isIdentified).map(({ id }) => id))
  const keyId = settleStrongest(strongest, world)
  const joining = { strongest, strongestId: keyId, assertion, world, occurredAt, limits, now: snapshot.now }
  for (const key of weaker) join(key, joining)

  const contact = world.contactOfKey(keyId)
  const wasIdentified = identifiedBefore.has(contact.id)
  return { _tag: "Resolved", steps: world.steps, keyId, contact, wasIdentified, erased }
}

/**
 * On whoever holds the string. One that nobody holds waits as an address or an anonymous id, never as an external id: whoever
 * says so may be anybody, an external id that is nobody's could be linked to a contact that has one, and a browser that goes
 * by the string would be locked out. A server that names a user by it promotes it, and what waited is that user's.
 */
const attach = (key: AssertedKey, world: World): ResolvedDecision => {
  const known = world.key(key)
  const contact = known === undefined || known.contactId === null ? null : world.contact(known.contactId)
  const keyId = known?.id ?? world.claim(key, null, false)
  const wasIdentified = contact !== null && isIdentified(contact)
  return { _tag: "Resolved", steps: world.steps, keyId, contact, wasIdentified, erased: [] }
}

/**
 * Whether a key is an erased person's still. They begin again, as a new contact, when a server says so or with a token
 * that was made later; what happened before the erasure stays theirs for ever.
 */
const isErased = (
  { kind, value }: AssertedKey,
  known: KeyState | undefined,
  { restores, tokenIssuedAt, vouchedBy }: Assertion,
  snapshot: Snapshot,
  occurredAt: number
): boolean => {
  if (known !== undefined) return known.notBefore !== null && occurredAt <= known.notBefore
  const erasedAt = snapshot.erased.get(slotOf(kind, value))
  if (erasedAt === undefined) return false
  const begins =
    (vouchedBy === "server" && restores) || (vouchedBy === "user" && tokenIssuedAt !== null && tokenIssuedAt > erasedAt)
  return !begins || occurredAt <= erasedAt
}

/**
 * A browser without a token may act as its own anonymous contact only: never as a key of an identified contact, whatever
 * its kind, unless it holds the secret that its certified id is derived from.
 */
const isDenied = (assertion: Assertion, strongest: AssertedKey, world: World): boolean => {
  if (assertion.attaches === true) return false
  if (assertion.vouchedBy === "server" || assertion.vouchedBy === "user") return false
  const known = world.key(strongest)
  if (known === undefined || assertion.vouchedBy === "device") return known?.kind === "contact"
  if (known.kind !== "anonymous") return true
  return known.contactId !== null && isIdentified(world.contact(known.contactId))
}

/** Makes sure that the strongest key has a contact, and answers the key's id. */
const settleStrongest = (key: AssertedKey, world: World): string => {
  const known = world.key(key)
  if (known === undefined) return world.claim(key, world.create(), key.kind === "email")
  if (key.kind === "external" && known.kind === "anonymous" && !known.certified) {
    // A name of a user: it is closed to browsers without a token from now on.
    const holder = known.contactId === null ? undefined : world.contact(known.contactId)
    const stays = holder !== undefined && externalOf(holder) === undefined
    world.promote(known, stays ? holder.id : world.create())
    return known.id
  }
  if (known.contactId === null) world.link(known, world.create())
  return known.id
}

interface Joining {
  readonly strongest: AssertedKey
  readonly strongestId: string
  readonly assertion: Assertion
  readonly world: World
  readonly occurredAt: number
  readonly now: number
  readonly limits: IdentityLimits
}

const join = (key: AssertedKey, joining: Joining) => {
  const { assertion, limits, strongest, strongestId, world } = joining
  const target = world.contactOfKey(strongestId)
  const known = world.key(key)
  // An email asserted together with the contact's strongest key is the one that mail goes to.
  const preferred = key.kind === "email" && isStrongestOf([target], strongest)
  if (known?.contactId === target.id) return preferred ? world.prefer(known, target.id) : undefined
  if (needsProof(key, assertion)) return world.refuse(key, known, target.id, "anonymous_not_joined")
  if (known === undefined || known.contactId === null) {
    if (key.kind !== "external" && isFull(target, key.kind, assertion.vouchedBy, limits)) {
      return refuseFull(key, known, target.id, world)
    }
    if (known === undefined) return world.claim(key, target.id, preferred)
    world.link(known, target.id)
    return preferred ? world.prefer(world.key(key) ?? known, target.id) : undefined
  }
  const other = world.contact(known.contactId)
  const rule = refusalOf(key, known, target, other, joining)
  if (rule !== undefined) return world.refuse(key, known, target.id, rule)
  if (hasTwoExternalIds(target, other)) return world.move(known, target.id, preferred)
  const comesFirst = key.kind === "email" && isStrongestOf([target, other], strongest)
  world.merge(target.id, other.id, comesFirst ? known : undefined)
  // A word about the same address that is older than this one does not move it any more.
  if (key.kind === "email") world.place(known.id)
}

/** The key is kept, as nobody's, so that the ledger can name it and an operator can add it. */
const refuseFull = (key: AssertedKey, known: KeyState | undefined, contactId: string, world: World) => {
  if (known === undefined) world.claim(key, null, false)
  return world.refuse(key, world.key(key), contactId, "too_many_keys")
}

/** A user's browser says that it is a certified device, and brings no secret that shows it. */
const needsProof = (key: AssertedKey, { anonymousProven, vouchedBy }: Assertion): boolean =>
  vouchedBy === "user" && !anonymousProven && key.kind === "anonymous" && isCertifiedShape(key.value)

/** Whether no external id of the contacts, which are or become one, is stronger than the key. */
const isStrongestOf = (contacts: ReadonlyArray<ContactState>, key: AssertedKey): boolean =>
  contacts.every((contact) => (externalOf(contact)?.value ?? key.value) === key.value)

const hasTwoExternalIds = (target: ContactState, other: ContactState): boolean =>
  externalOf(target) !== undefined && externalOf(other) !== undefined

const refusalOf = (
  key: AssertedKey,
  known: KeyState,
  target: ContactState,
  other: ContactState,
  { assertion, limits, now, occurredAt, world }: Joining
): RefusalRule | undefined => {
  const { anonymousProven, vouchedBy } = assertion
  if (world.areCut(target.id, other.id)) return "cut"
  if (vouchedBy === "user" && !anonymousProven && (known.kind !== "anonymous" || isIdentified(other))) {
    return "anonymous_not_joined"
  }
  if (hasTwoExternalIds(target, other)) {
    if (!mayMove(key, known, vouchedBy, occurredAt)) return "two_external_ids"
    return isFull(target, "email", vouchedBy, limits) ? "too_many_keys" : undefined
  }
  const emails = new Set([...emailsOf(target), ...emailsOf(other)].map(({ value }) => value))
  const bothHaveOne = emailsOf(target).length > 0 && emailsOf(other).length > 0
  if (key.kind === "anonymous" && bothHaveOne && emails.size > 1) return "two_emails"
  if (!world.isFresh(target.id)) return brokenByMerge([target, other], vouchedBy, now, limits)
  // A contact that was made for this request is no merge: what was to be its keys comes to the other one.
  return overflowTogether([target, other], vouchedBy, limits) ? "too_many_keys" : undefined
}

/** A server says now that an address is this user's; whoever put it at another user said so earlier. */
const mayMove = (key: AssertedKey, known: KeyState, vouchedBy: Assertion["vouchedBy"], occurredAt: number): boolean =>
  key.kind === "email" && vouchedBy === "server" && occurredAt > (known.placedAt ?? known.firstAssertedAt)
