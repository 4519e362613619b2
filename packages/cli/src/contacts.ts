/** `hogsend contacts`: people, by any of their keys. */
import type { KeyExplanation } from "@hogsend/client"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { erase } from "./contactsErase.ts"
import { exportContact } from "./contactsExport.ts"
import { merge, split } from "./contactsIdentity.ts"
import { contactIdOf, explained, keyArgument } from "./naming.ts"
import { cellOf, details, printPage, printResult, table } from "./output.ts"
import { paging } from "./paging.ts"
import { asAdmin } from "./server.ts"

const list = Command.make(
  "list",
  {
    ...paging,
    search: Flag.String("search").pipe(Flag.withDescription("A whole key, or the beginning of one"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ search, ...page }) {
    const found = yield* asAdmin(({ contacts }) => contacts.list({ ...page, search: Option.getOrUndefined(search) }))
    yield* printPage(found, "contacts", ["id", "externalId", "email", "anonymousId", "properties", "lastSeenAt"])
  })
).pipe(
  Command.withDescription("List contacts, newest first"),
  Command.withExamples([{ command: "hogsend contacts list --search ada@" }])
)

const get = Command.make(
  "get",
  { key: keyArgument("key", "Whom to show") },
  Effect.fnUntraced(function* ({ key }) {
    const id = yield* contactIdOf(key)
    yield* printResult(yield* asAdmin(({ contacts }) => contacts.get(id)), details)
  })
).pipe(
  Command.withDescription("Show a contact"),
  Command.withExamples([
    { command: "hogsend contacts get email:ada@example.com" },
    { command: "hogsend contacts get u_1 --json" }
  ])
)

const explain = Command.make(
  "explain",
  { key: keyArgument("key", "The key to explain") },
  Effect.fnUntraced(function* ({ key }) {
    yield* printResult(yield* explained(key), story)
  })
).pipe(
  Command.withDescription("Show whose a key is, what else that contact is known by, and every step that led there"),
  Command.withShortDescription("Show whose a key is, and why"),
  Command.withExamples([{ command: "hogsend contacts explain anonymous:4f1c…" }])
)

const story = ({ contact, cuts, history, key, keys }: KeyExplanation) =>
  Effect.gen(function* () {
    const whose =
      contact === null
        ? `${key.kind}:${key.value} is a visitor's, of whom there is no contact yet.`
        : `${key.kind}:${key.value} is a key of the contact ${contact.id}, known as ${contact.contactKey}.`
    return [
      whose,
      yield* table(keys, ["kind", "value", "certified", "assertedBy", "firstAssertedAt", "toldTo"]),
      ...(cuts.length === 0 ? [] : [yield* table(cuts, ["id", "contact", "otherContact", "actor", "createdAt"])]),
      history.map(({ occurredAt, says }) => `${cellOf(occurredAt)}  ${cellOf(says)}`).join("\n")
    ].join("\n\n")
  })

export const contacts = Command.make("contacts").pipe(
  Command.withDescription("People, by any of their keys: show, explain, merge, split, export and erase them"),
  Command.withShortDescription("Show, explain, merge, split, export and erase people"),
  Command.withSubcommands([list, get, explain, merge, split, exportContact, erase])
)
