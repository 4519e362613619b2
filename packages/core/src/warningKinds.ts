/**
 * Every kind of warning that this version gives: what was refused of a request that was accepted, and what to do.
 *
 * The OpenAPI document and the operators' list are made from it, and a test holds the engine against it. On the wire a code
 * is an open string: a newer server knows more of them.
 */

export interface WarningKind {
  /** What was refused, and what happened instead; half a sentence. */
  readonly meaning: string
  /** What whoever sends it should do; sentences. */
  readonly hint: string
}

/** By code. */
export const warningKinds = {
  junk_key: {
    meaning: "a placeholder such as `undefined`, left out",
    hint: "Send a key only when it is known: a variable was empty, or a template was not filled in."
  },
  malformed_key: {
    meaning: "no key can look so, left out",
    hint: "Mend what builds this key: it is empty, too long, has hidden characters, or is no address. Each example says which."
  },
  timestamp_out_of_range: {
    meaning: "the time of arrival was taken",
    hint: "Check the sender's clock, and send events within 30 days."
  },
  timezone_invalid: {
    meaning: "no IANA time zone, left out",
    hint: "Send an IANA name such as Europe/Berlin, as browsers report it; not an offset or an abbreviation."
  },
  properties_not_applied: {
    meaning: "properties that were not written: a browser may not, or the contact is full",
    hint: "For an identified contact send a user token or use a server. A contact that is full needs properties removed."
  },
  server_only_property: {
    meaning: "a property that a browser may not write",
    hint: "Send this property with a secret key, or take it off the list of properties that only servers write."
  },
  anonymous_not_joined: {
    meaning: "an anonymous id that was not joined, as it may be another person's",
    hint: "Start a new anonymous id when a user logs out, and send X-Hogsend-Device with one that is certified."
  },
  join_refused: {
    meaning: "keys that were not joined, as they may be two people's",
    hint: "If they are one person, merge them as an operator; if not, find out why one request names both."
  },
  cut: {
    meaning: "keys of two sides that an operator split, applied to the strongest key's side",
    hint: "Send the keys of one side only, or lift the cut if they are one person after all."
  },
  limit_reached: {
    meaning: "a contact has as many keys, or had as many merges today, as it may; the weakest key was left out",
    hint: "Look for an id that many people share, or for one that is new with every request."
  },
  anonymous_id_promoted: {
    meaning: "an anonymous id that came as a user id is one from then on, and names nobody else any more",
    hint: "If it is a contact key that came back from elsewhere, send it as anonymousId; if it is your user's id, all is well."
  },
  email_moved: {
    meaning: "the address was another user's and is this one's now, as this assertion is newer",
    hint: "If both users are right, they share an address; if not, mend the one that had it by mistake."
  },
  erased_person: {
    meaning: "a key of a person who was erased; nothing was stored",
    hint: "Stop sending it. To start a new contact under it, send `restore: true` under a secret key; what happened before the erasure is never kept."
  },
  source_event_refused: {
    meaning: "an event of a webhook source that was not stored",
    hint: "Each example says why. A public source sends no name that is reserved for servers; an event needs a key that can be one, and properties of at most 32 KiB."
  },
  browser_body_under_secret_key: {
    meaning: "a browser's request under a key that believes everything",
    hint: "Give a proxy of browsers a secret key with the single scope ingest-public."
  },
  lists_not_available: {
    meaning: "no lists yet, left out",
    hint: "Leave `lists` out until this server has lists."
  },
  unknown_field: {
    meaning: "an event has no such field, left out",
    hint: "Send `eventProperties` or `contactProperties` instead of `properties`."
  }
} as const satisfies Readonly<Record<string, WarningKind>>

/** A code that this version gives. */
export type WarningCode = keyof typeof warningKinds

/** The kind that a code names, or undefined for one that this version does not know. */
export const warningKind = (code: string): WarningKind | undefined =>
  Object.hasOwn(warningKinds, code) ? warningKinds[code as WarningCode] : undefined

/** All of them in one paragraph. */
export const warningKindsProse = Object.entries(warningKinds)
  .map(([code, { meaning }]) => `\`${code}\`: ${meaning}.`)
  .join(" ")
