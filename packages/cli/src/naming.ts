/** How commands name a person: by any key, in full or bare. */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import { Failed } from "./Failed.ts"
import { asAdmin } from "./server.ts"

/** How a command names somebody. */
export const keyArgument = (name: string, description: string) =>
  Argument.String(name).pipe(
    Argument.withDescription(
      `${description}: external:u_1, email:ada@example.com, anonymous:…, contact:<id>, or a bare value`
    )
  )

/** Whose the key is; fails where nobody is. */
export const explained = (key: string) => asAdmin(({ identity }) => identity.explain(key))

/** The id of the contact that has the key. */
export const contactIdOf = (key: string) =>
  Effect.flatMap(explained(key), ({ contact }) =>
    contact === null
      ? new Failed({ message: `${key} is a visitor's, of whom there is no contact yet` })
      : Effect.succeed(contact.id)
  )
