/**
 * Properties as they may travel to an analytics platform: without email addresses and identifiers, at any depth. Pure.
 *
 * Left out is what has the name of one (`identifierNames`), whatever its value; a text that is or holds an email address,
 * whatever its name; a name that holds one; and a text or a number that is a key of the person. What is left is as it was.
 */
import type { OutboundEnvelope, Properties } from "@hogsend/core"
import type { Schema } from "effect"

/**
 * In lower case and without anything but letters and digits: `user_id` and `User ID` are `userid`. `docs/destinations.md`
 * lists them.
 */
export const identifierNames: ReadonlySet<string> = new Set(
  [
    ["email", "emails", "emailaddress", "emailaddresses", "mail", "mailaddress", "useremail", "to", "recipient"],
    ["emailhash", "emailmd5", "emailsha1", "emailsha256", "hashedemail"],
    ["phone", "phonenumber", "mobilephone", "mobilenumber", "username", "login"],
    ["id", "uid", "uuid", "guid", "userid", "useruuid", "externalid", "externaluserid", "contactid", "contactkey"],
    ["anonymousid", "anonid", "distinctid", "deviceid", "visitorid", "personid", "profileid", "memberid"],
    ["subscriberid", "customerid", "stripecustomerid"]
  ].flat()
)

/** `@`, wide or not, and a domain with a dot, or the same as a query of a URL has it, be it in another one. */
const email = /[^\s@](?:[@\uff20]|%(?:25)*40)[^\s@%/]+(?:\.|%(?:25)*2e)[^\s@%./]/i

/** Whether a text is an email address, or one stands in it. */
export const holdsEmail = (text: string): boolean => email.test(text)

/** Whether a property of this name may travel. */
export const isIdentifierName = (name: string): boolean =>
  identifierNames.has(name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")) || holdsEmail(name)

/** What the data of an event calls its person by. */
export const keysIn = (data: OutboundEnvelope["data"]): ReadonlySet<unknown> =>
  new Set(
    [data.userId, data.contactKey, data.contactId, data.id, data.externalId, data.anonymousId].filter(
      (key) => typeof key === "string" && key !== ""
    )
  )

export const withoutIdentifiers = (properties: Properties, keys: ReadonlySet<unknown>): Properties =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([name, value]) =>
      isIdentifierName(name) ? [] : kept(value, keys).map((value) => [name, value] as const)
    )
  )

/** The value as it may travel; none when it may not. */
const kept = (value: Schema.Json, keys: ReadonlySet<unknown>): ReadonlyArray<Schema.Json> => {
  if (typeof value === "string") return holdsEmail(value) || keys.has(value) ? [] : [value]
  if (typeof value === "number" && keys.has(String(value))) return []
  if (typeof value !== "object" || value === null) return [value]
  return isList(value) ? [value.flatMap((item) => kept(item, keys))] : [withoutIdentifiers(value, keys)]
}

const isList = (value: Schema.JsonObject | Schema.JsonArray): value is Schema.JsonArray => Array.isArray(value)
