/**
 * Clerk's users, as `contact.created`, `.updated` and `.deleted`, and its waitlist, as `waitlist.joined`.
 *
 * Server: Clerk says them itself, signed by Svix, whose id of the message is the idempotency key. Clerk's user id is the user
 * id; the primary address is a key only while Clerk says that it is verified, else a property.
 */
import { defineWebhookSource, type Properties, type ServerSourceEvent, type SourceSecret } from "@hogsend/core"
import { Schema } from "effect"
import { dateOf, objectIn, objectsIn, pick, textIn, VendorObject } from "./VendorObject.ts"

/** What `clerk` is told. */
export interface ClerkSourceOptions {
  /** The endpoint's signing secret, `whsec_…`. */
  readonly secret: SourceSecret
}

const Body = Schema.Struct({
  type: Schema.String,
  data: VendorObject,
  timestamp: Schema.optionalKey(Schema.Unknown)
})

/** The source `clerk`: users, as `contact.…`, and the waitlist, as `waitlist.joined`. */
export const clerk = ({ secret }: ClerkSourceOptions) =>
  defineWebhookSource({
    meta: { id: "clerk", name: "Clerk", description: "Users and the waitlist." },
    trust: "server",
    auth: { type: "signature", scheme: "standard-webhooks", secret },
    schema: Body,
    transform: ({ data, timestamp, type }, { headers }) => {
      const said = wordsOf(type, data)
      if (said === undefined) return null
      return {
        ...said,
        timestamp: dateOf(millisecondsOf(timestamp)),
        // In the order in which the signature is looked for: the other one is anybody's word.
        idempotencyKey: headers["webhook-id"] ?? headers["svix-id"]
      }
    }
  })

const wordsOf = (type: string, data: VendorObject): ServerSourceEvent | undefined => {
  const id = textIn(data, "id")
  switch (type) {
    case "user.created":
    case "user.updated":
      return {
        name: `contact.${type.slice("user.".length)}`,
        userId: id,
        ...primaryAddress(data),
        contactProperties: namesOf(data)
      }
    case "user.deleted":
      return { name: "contact.deleted", userId: id }
    case "waitlistEntry.created":
      // Nobody has verified the address, so that of the entry itself is the only id.
      return { name: "waitlist.joined", anonymousId: id, email: textIn(data, "email_address"), emailVerified: false }
    default:
      return undefined
  }
}

const primaryAddress = (user: VendorObject): Pick<ServerSourceEvent, "email" | "emailVerified"> => {
  const primary = textIn(user, "primary_email_address_id")
  const address = objectsIn(user, "email_addresses").find((one) => textIn(one, "id") === primary)
  const emailVerified = textIn(objectIn(address, "verification"), "status") === "verified"
  return primary === undefined ? {} : { email: textIn(address, "email_address"), emailVerified }
}

const propertyNames: Readonly<Record<string, string>> = { first_name: "firstName", last_name: "lastName" }

const namesOf = (user: VendorObject): Properties =>
  Object.fromEntries(
    Object.entries(pick(user, ...Object.keys(propertyNames))).map(([name, value]) => [
      propertyNames[name] ?? name,
      value
    ])
  )

/** Clerk's documentation shows both milliseconds and seconds. */
const millisecondsOf = (time: unknown): number | undefined =>
  typeof time !== "number" ? undefined : time > 100_000_000_000 ? time : time * 1000
