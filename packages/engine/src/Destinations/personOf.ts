/**
 * Whom an analytics platform hears of in an event, and what it is to change of that person. Pure.
 *
 * A person is known by the contact key and by nothing else, and is nobody when that is missing, or is an email address.
 */
import type { OutboundEnvelope, Properties } from "@hogsend/core"
import { Schema } from "effect"
import { holdsEmail, isIdentifierName, keysIn, withoutIdentifiers } from "./withoutIdentifiers.ts"

export const distinctIdOf = ({ userId }: OutboundEnvelope["data"]): string | undefined =>
  typeof userId === "string" && userId !== "" && !holdsEmail(userId) ? userId : undefined

/** Only an external id is surely somebody: a visitor is to get no profile by something that happened. */
export const isExternal = ({ contactKeyKind }: OutboundEnvelope["data"]): boolean => contactKeyKind === "external"

/** `unset` names what is not there any more. */
export interface PropertyChange {
  readonly set: Properties
  readonly unset: ReadonlyArray<string>
}

/** Null when the event changes nothing of a person. `unsubscribed` is the property that says so of one who is. */
export const personChangeOf = ({ data, type }: OutboundEnvelope, unsubscribed: string): PropertyChange | null => {
  switch (type) {
    case "contact.created":
    case "contact.updated":
      return propertyChange(data)
    case "contact.unsubscribed":
      return data.scope === "all" ? { set: { [unsubscribed]: true }, unset: [] } : null
    case "contact.subscribed":
      // To one list only, they may still want nothing of the others.
      return (data.scope ?? "all") === "all" ? { set: { [unsubscribed]: false }, unset: [] } : null
    default:
      return null
  }
}

const propertyChange = (data: OutboundEnvelope["data"]): PropertyChange | null => {
  const set = isBag(data.properties) ? withoutIdentifiers(data.properties, keysIn(data)) : {}
  // With what was told once and may not be told any more: a text that has become an address.
  const unset = (isNames(data.changedProperties) ? data.changedProperties : []).filter(
    (name) => !Object.hasOwn(set, name) && !isIdentifierName(name)
  )
  return Object.keys(set).length + unset.length === 0 ? null : { set, unset }
}

const isBag = Schema.is(Schema.JsonObject)
const isNames = Schema.is(Schema.Array(Schema.String))
