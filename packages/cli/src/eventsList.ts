/** `hogsend events list`: what is stored. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { contactIdOf } from "./naming.ts"
import { printPage } from "./output.ts"
import { paging } from "./paging.ts"
import { asAdmin } from "./server.ts"

export const list = Command.make(
  "list",
  {
    ...paging,
    name: Flag.String("name").pipe(Flag.withDescription("Only events of this name, exactly"), Flag.optional),
    contact: Flag.String("contact").pipe(Flag.withDescription("Only those of whoever has this key"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ contact, name, ...page }) {
    const contactId = Option.isSome(contact) ? yield* contactIdOf(contact.value) : undefined
    const found = yield* asAdmin(({ events }) => events.list({ ...page, name: Option.getOrUndefined(name), contactId }))
    yield* printPage(found, "events", ["occurredAt", "name", "contactKey", "source", "properties", "id"])
  })
).pipe(
  Command.withDescription("List events, newest first"),
  Command.withExamples([
    { command: "hogsend events list --contact email:ada@example.com" },
    { command: "hogsend events list --name signed_up --limit 10 --json" }
  ])
)
