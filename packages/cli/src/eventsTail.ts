/** `hogsend events tail`: events as they are stored, a line each, until it is stopped. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { contactIdOf } from "./naming.ts"
import { asAdmin } from "./server.ts"

export const tail = Command.make(
  "tail",
  {
    name: Flag.String("name").pipe(
      Flag.withDescription("Only events of this name, exactly; several times for more"),
      Flag.atLeast(0)
    ),
    contact: Flag.String("contact").pipe(Flag.withDescription("Only those of whoever has this key"), Flag.optional),
    after: Flag.String("after").pipe(
      Flag.withDescription("The id of an event: begin with those that came after it"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ after, contact, name }) {
    const filter = {
      names: name.length === 0 ? undefined : name,
      contactId: Option.isSome(contact) ? yield* contactIdOf(contact.value) : undefined,
      after: Option.getOrUndefined(after)
    }
    // Rides out a server that cannot be reached, for ever: whether it is there at all is asked before.
    yield* asAdmin(({ apiKeys }) => apiKeys.self())
    const { followEvents } = yield* Effect.promise(() => import("./followEvents.ts"))
    yield* followEvents(filter)
  })
).pipe(
  Command.withDescription(
    "Follow events as they are stored, from now on. A lost connection and a server's restart are ridden out, and nothing is missed. With --json a line of JSON each."
  ),
  Command.withShortDescription("Follow events as they are stored"),
  Command.withExamples([
    { command: "hogsend events tail" },
    { command: "hogsend events tail --name signed_up --json | jq .contactKey" }
  ])
)
