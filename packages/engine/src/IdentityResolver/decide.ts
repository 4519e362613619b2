/**
 * The rules of identity, as one pure function: an assertion and what is known go in, the steps to take come out.
 *
 * It starts at the strongest asserted key (unknown: a contact for it) and takes each weaker key in turn: free: link; held
 * by another contact: merge the two, unless that would bring together two external ids, or two emails by an anonymous id
 * (a family's browser). A key that may not join stays where it is. A trusted user id that is so far a contact's id or a
 * certified anonymous id names that contact; any other anonymous id is promoted to an external id.
 */
import { isCertifiedShape } from "../IdentityKey.ts"
import type { AssertedKey, Assertion, ContactState, KeyState, Snapshot } from "./snapshot.ts"
import { emailsOf, externalOf, isIdentified } from "./snapshot.ts"
import type { RefusalRule, Step } from "./Step.ts"
import { makeWorld, type World } from "./world.ts"

export type Decision =
  | { readonly _tag: "Denied" }
  | {
      readonly _tag: "Resolved"
      readonly steps: ReadonlyArray<Step>
      /** The key that what was sent hangs on. */
      readonly keyId: string
      /** The contact as it is after the steps; null for a visitor who was only observed. */
      readonly contact: ContactState | null
      /** Whether it was identified before the steps. */
      readonly wasIdentified: boolean
    }

/** `mint` gives ids to what is new. The assertion has at least one key. */
export const decide = (assertion: Assertion, snapshot: Snapshot, mint: () => string): Decision => {
  const [strongest, ...weaker] = assertion.keys
  const world = makeWorld(snapshot, mint)
  if (strongest === undefined || isDenied(assertion, strongest, world)) return { _tag: "Denied" }

  const known = world.key(strongest)
  if (assertion.observesOnly && (known === undefined || known.contactId === null)) {
    return {
      _tag: "Resolved",
      steps: world.steps,
      keyId: known?.id ?? world.claim(strongest, null, false),
      contact: null,
      wasIdentified: false
    }
  }

  const identifiedBefore = new Set([...snapshot.contacts.values()].filter(isIdentified).map(({ id }) => id))
  const keyId = settleStrongest(strongest, world)
  for (const key of weaker) join(key, strongest, keyId, assertion, world)

  const contact = world.contactOfKey(keyId)
  return { _tag: "Resolved", steps: world.steps, keyId, contact, wasIdentified: identifiedBefore.has(contact.id) }
}

/**
 * A browser without a token may act as its own anonymous contact only: never as a key of an identified contact, whatever
 * its kind, unless it holds the secret that its certified id is derived from.
 */
const isDenied = (assertion: Assertion, strongest: AssertedKey, world: World): boolean => {
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

const join = (key: AssertedKey, strongest: AssertedKey, strongestId: string, assertion: Assertion, world: World) => {
  const target = world.contactOfKey(strongestId)
  const known = world.key(key)
  // An email asserted together with the contact's strongest key is the one that mail goes to.
  const preferred = key.kind === "email" && isStrongestOf([target], strongest)
  if (known?.contactId !== target.id && needsProof(key, assertion)) {
    return world.refuse(key, known, target.id, "anonymous_not_joined")
  }
  if (known === undefined) return world.claim(key, target.id, preferred)
  if (known.contactId === null) return world.link(known, target.id)
  if (known.contactId === target.id) {
    if (preferred) world.prefer(known, target.id)
    return
  }
  const other = world.contact(known.contactId)
  const rule = refusalOf(key, known, target, other, assertion)
  if (rule !== undefined) return world.refuse(key, known, target.id, rule)
  const comesFirst = key.kind === "email" && isStrongestOf([target, other], strongest)
  return world.merge(target.id, other.id, comesFirst ? known : undefined)
}

/** A user's browser says that it is a certified device, and brings no secret that shows it. */
const needsProof = (key: AssertedKey, { anonymousProven, vouchedBy }: Assertion): boolean =>
  vouchedBy === "user" && !anonymousProven && key.kind === "anonymous" && isCertifiedShape(key.value)

/** Whether no external id of the contacts, which are or become one, is stronger than the key. */
const isStrongestOf = (contacts: ReadonlyArray<ContactState>, key: AssertedKey): boolean =>
  contacts.every((contact) => (externalOf(contact)?.value ?? key.value) === key.value)

const refusalOf = (
  key: AssertedKey,
  known: KeyState,
  target: ContactState,
  other: ContactState,
  assertion: Assertion
): RefusalRule | undefined => {
  if (
    assertion.vouchedBy === "user" &&
    !assertion.anonymousProven &&
    (known.kind !== "anonymous" || isIdentified(other))
  ) {
    return "anonymous_not_joined"
  }
  if (externalOf(target) !== undefined && externalOf(other) !== undefined) return "two_external_ids"
  const emails = new Set([...emailsOf(target), ...emailsOf(other)].map(({ value }) => value))
  const bothHaveOne = emailsOf(target).length > 0 && emailsOf(other).length > 0
  return key.kind === "anonymous" && bothHaveOne && emails.size > 1 ? "two_emails" : undefined
}
