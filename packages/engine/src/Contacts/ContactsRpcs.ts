/** The handlers of the calls about contacts. */
import { Caller, ContactsRpcs as Calls } from "@hogsend/core"
import { Effect } from "effect"
import { Contacts } from "../Contacts.ts"
import { asServer } from "../Principals.ts"

export const ContactsRpcs = Calls.toLayer(
  Effect.gen(function* () {
    const contacts = yield* Contacts
    return Calls.of({
      "Contacts.upsert": (body) =>
        Effect.flatMap(Caller, (caller) => asServer(contacts.upsert(caller, body, { userTokens: [] })))
    })
  })
)
