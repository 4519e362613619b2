/** `hogsend contacts erase`: somebody leaves for good. */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { confirm, yes } from "./confirm.ts"
import { explained, keyArgument } from "./naming.ts"
import { details, note, printResult, table } from "./output.ts"
import { asAdmin } from "./server.ts"

export const erase = Command.make(
  "erase",
  { key: keyArgument("key", "Who leaves"), yes },
  Effect.fnUntraced(function* ({ key, yes }) {
    const { contact, key: named, keys } = yield* explained(key)
    if (!yes) yield* note(yield* table(keys, ["kind", "value", "assertedBy", "firstAssertedAt"]))
    const who = contact === null ? `the visitor ${named.value}` : `the contact ${contact.contactKey} (${contact.id})`
    yield* confirm(
      `This erases ${who} at once and for good, with all keys and events. \`hogsend contacts export\` keeps a copy.`,
      yes
    )
    const erased = yield* asAdmin(({ contacts }) =>
      contact === null ? contacts.delete({ anonymousId: named.value }) : contacts.erase(contact.id)
    )
    yield* printResult(erased, ({ erasure }) => details(erasure))
  })
).pipe(
  Command.withDescription("Erase a contact for good: its keys, its events, and what else is kept of it"),
  Command.withShortDescription("Erase a contact for good"),
  Command.withExamples([{ command: "hogsend contacts erase email:ada@example.com --yes" }])
)
