/**
 * What an analytics provider may be told of a contact: a star around its external id, and nothing else.
 *
 * A provider blocks a merge whose source it has identified, and whatever was ever a target is identified, so only merges
 * into the external id are legal in every order. Each anonymous id and each contact id is told once, and never again, not
 * even when it has another contact by then. Pure; telling is somebody else's.
 */
import { type ContactState, externalOf } from "./snapshot.ts"

/** A pair that the provider has not been told: `alias` is to become part of `distinctId`. */
export interface Alias {
  readonly keyId: string
  readonly alias: string
  readonly distinctId: string
  /** The key of `distinctId`. */
  readonly externalKeyId: string
}

/** Nothing as long as the contact has no external id. */
export const untoldAliases = (contact: ContactState): ReadonlyArray<Alias> => {
  const external = externalOf(contact)
  return external === undefined
    ? []
    : contact.keys
        .filter(({ kind, toldTo }) => (kind === "anonymous" || kind === "contact") && toldTo === null)
        .map(({ id, value }) => ({
          keyId: id,
          alias: value,
          distinctId: external.value,
          externalKeyId: external.id
        }))
}
