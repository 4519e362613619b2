/**
 * What an analytics provider may be told of a contact: a star around its external id, and nothing else.
 *
 * A provider blocks a merge whose source it has identified, and whatever was ever a target is identified, so only merges
 * into the external id are legal in every order. Each anonymous id and each contact id is told once, and never again, not
 * even when it has another contact by then; a second external id is never told. Pure; telling is somebody else's.
 */
import type { AnalyticsProvider } from "@hogsend/core"
import type { OutboundEvent } from "../OutboundMessages.ts"
import { type ContactState, externalOf, type KeyState } from "./snapshot.ts"

/** A pair that the provider has not been told: `alias` is to become part of `distinctId`. */
export interface Alias {
  readonly keyId: string
  readonly alias: string
  readonly distinctId: string
  /** The key of `distinctId`. */
  readonly externalKeyId: string
}

/** What is told of a contact, and what is remembered of its keys with it: their `toldTo`, by their id. */
export interface Star {
  readonly marks: ReadonlyMap<string, string>
  readonly merges: ReadonlyArray<OutboundEvent>
}

/** Whether anybody listens. Nothing is marked as told as long as nobody does, so that it is told when somebody does. */
export const listensToMerges = ({ capabilities }: AnalyticsProvider["Service"]): boolean =>
  capabilities.identityMerge === true && capabilities.personWrites

/** `isNew`: the contact is made together with these keys. `listens`: what `listensToMerges` says. */
export const starOf = (
  contact: ContactState | null,
  { isNew, listens }: { readonly isNew: boolean; readonly listens: boolean }
): Star => {
  if (contact === null || externalOf(contact) === undefined) return { marks: new Map(), merges: [] }
  // Of who has an external id from the first moment on nobody can have captured anything under the contact's own id. It is
  // done with, and not told: for each contact that is made that would be an event that somebody pays for.
  const needless = isNew ? ownIdOf(contact) : undefined
  const aliases = listens ? untoldAliases(contact).filter(({ keyId }) => keyId !== needless?.id) : []
  const told = aliases.map(({ externalKeyId, keyId }) => [keyId, externalKeyId] as const)
  return {
    marks: new Map(needless === undefined ? told : [[needless.id, needless.id], ...told]),
    merges: aliases.map(({ alias, distinctId }) => ({
      type: "person.merge",
      contactId: contact.id,
      data: { distinctId, alias }
    }))
  }
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

/** Own ids that need no telling as long as the contact has an external id, and it has none any more. */
export const inNeedAgain = (contact: ContactState): ReadonlyArray<string> =>
  externalOf(contact) === undefined ? contact.keys.filter(isNeedless).map(({ id }) => id) : []

/** It was marked although nothing was told. */
export const isNeedless = ({ id, toldTo }: Pick<KeyState, "id" | "toldTo">): boolean => toldTo === id

const ownIdOf = ({ id, keys }: ContactState) => keys.find(({ kind, value }) => kind === "contact" && value === id)
