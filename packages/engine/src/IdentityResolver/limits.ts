/**
 * How much may come to one contact: keys of a kind, and merges in a day.
 *
 * What one way of asserting brought is counted by itself, so forms and sources never use up what a user's own token or an
 * operator may add. Pure.
 */
import type { IdentityKeyKind } from "../IdentityKey.ts"
import type { AssertedBy, ContactState } from "./snapshot.ts"

export interface IdentityLimits {
  /** Keys of a contact, for each kind and way of asserting. 50 emails, 500 anonymous ids, 500 ids of absorbed contacts. */
  readonly keys?: Partial<Record<"email" | "anonymous" | "contact", number>>
  /** Contacts that one contact absorbs in 24 hours, for each way of asserting. 50. */
  readonly mergesPerDay?: number
}

const keysOfKind = { email: 50, anonymous: 500, contact: 500 } as const
const mergesPerDay = 50
const dayMicros = 86_400_000_000

/** A contact's own id is none of those that it absorbed. */
const count = (contact: ContactState, kind: IdentityKeyKind, way: AssertedBy): number =>
  contact.keys.filter((key) => key.kind === kind && key.value !== contact.id && key.assertedBy === way).length

const limitOf = (kind: keyof typeof keysOfKind, limits: IdentityLimits): number =>
  limits.keys?.[kind] ?? keysOfKind[kind]

/** Whether the contact has as many keys of the kind, in this way, as it may. */
export const isFull = (
  contact: ContactState,
  kind: keyof typeof keysOfKind,
  way: AssertedBy,
  limits: IdentityLimits
): boolean => count(contact, kind, way) >= limitOf(kind, limits)

/** Whether the two have more emails or anonymous ids, in this way, than one contact may. */
export const overflowTogether = (
  [a, b]: readonly [ContactState, ContactState],
  way: AssertedBy,
  limits: IdentityLimits
): boolean =>
  (["email", "anonymous"] as const).some((kind) => {
    const [own, other] = [count(a, kind, way), count(b, kind, way)]
    return Math.min(own, other) > 0 && own + other > limitOf(kind, limits)
  })

/** Which limit a merge of the two would break. */
export const brokenByMerge = (
  [a, b]: readonly [ContactState, ContactState],
  way: AssertedBy,
  now: number,
  limits: IdentityLimits
): "too_many_keys" | "too_many_merges" | undefined => {
  // Whoever is absorbed brings their own id, by the word of this request.
  const ids = count(a, "contact", way) + count(b, "contact", way) + 1
  if (overflowTogether([a, b], way, limits) || ids > limitOf("contact", limits)) return "too_many_keys"
  const merges = absorbedToday(a, way, now) + absorbedToday(b, way, now)
  return merges >= (limits.mergesPerDay ?? mergesPerDay) ? "too_many_merges" : undefined
}

/** The id of every contact that was absorbed is a key, put there by the merge. */
const absorbedToday = (contact: ContactState, way: AssertedBy, now: number): number =>
  contact.keys.filter(
    ({ assertedBy, kind, placedAt, value }) =>
      kind === "contact" &&
      value !== contact.id &&
      assertedBy === way &&
      placedAt !== null &&
      placedAt > now - dayMicros
  ).length
