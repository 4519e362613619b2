/** `hogsend events send`: one event that is written on the command line, or many from lines of JSON. */
import type { EventDraft } from "@hogsend/client"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { Failed, WrongUsage } from "./Failed.ts"
import { details, note, printResult } from "./output.ts"
import { parseProperties } from "./parseProperties.ts"
import { sentText, sendLines } from "./sendLines.ts"
import { asSender } from "./server.ts"

const property = (name: string, about: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("name=value"),
    Flag.withDescription(`${about}: plan=free is a text, seats:=3 is JSON; several times for more`),
    Flag.atLeast(0)
  )

const properties = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withMetavar("json"), Flag.withDescription(`${about}, as one JSON object`), Flag.optional)

const input = {
  name: Argument.String("name").pipe(Argument.withDescription("What happened, such as signed_up"), Argument.optional),
  user: Flag.String("user").pipe(Flag.withDescription("Your own id of the user"), Flag.optional),
  email: Flag.String("email").pipe(Flag.withDescription("The person's address"), Flag.optional),
  anonymous: Flag.String("anonymous").pipe(Flag.withDescription("The id of a visitor's device"), Flag.optional),
  prop: property("prop", "A property of the event"),
  props: properties("props", "Properties of the event"),
  contactProp: property("contact-prop", "A property that is written to the contact"),
  contactProps: properties("contact-props", "Properties that are written to the contact"),
  value: Flag.Finite("value").pipe(Flag.withDescription("Money in --currency; negative for a refund"), Flag.optional),
  currency: Flag.String("currency").pipe(Flag.withDescription("ISO 4217: EUR"), Flag.optional),
  timestamp: Flag.Date("timestamp").pipe(
    Flag.withDescription("When it happened, as ISO-8601; default now"),
    Flag.optional
  ),
  idempotencyKey: Flag.String("idempotency-key").pipe(
    Flag.withDescription("Names the event, or the file: sent again under the same key, nothing is stored twice"),
    Flag.optional
  ),
  file: Flag.String("file").pipe(
    Flag.withDescription("Many events, a JSON object a line as the API takes them; - or a pipe: stdin"),
    Flag.optional
  )
}

export const send = Command.make(
  "send",
  input,
  Effect.fnUntraced(function* ({ contactProp, contactProps, file, idempotencyKey, name, prop, props, ...given }) {
    const key = Option.getOrUndefined(idempotencyKey)
    if (Option.isSome(file) || (Option.isNone(name) && !process.stdin.isTTY)) {
      if (Option.isSome(name)) return yield* new WrongUsage({ message: "name an event or a --file, not both" })
      return yield* sendMany(
        Option.getOrElse(file, () => "-"),
        key
      )
    }
    if (Option.isNone(name)) {
      return yield* new WrongUsage({ message: "say what happened: hogsend events send signed_up --user u_1" })
    }
    const event = {
      name: name.value,
      userId: Option.getOrUndefined(given.user),
      email: Option.getOrUndefined(given.email),
      anonymousId: Option.getOrUndefined(given.anonymous),
      eventProperties: yield* parseProperties("prop", prop, Option.getOrUndefined(props)),
      contactProperties: yield* parseProperties("contact-prop", contactProp, Option.getOrUndefined(contactProps)),
      value: Option.getOrUndefined(given.value),
      currency: Option.getOrUndefined(given.currency),
      timestamp: Option.getOrUndefined(given.timestamp),
      idempotencyKey: key
    }
    if ((event.userId ?? event.email ?? event.anonymousId) === undefined) {
      return yield* new WrongUsage({ message: "say whom it is about: --user, --email or --anonymous" })
    }
    const accepted = yield* asSender(({ events }) => events.send(event as EventDraft))
    yield* printResult(accepted, details)
    for (const { hint } of accepted.warnings ?? []) yield* note(`Warning: ${hint}`)
  })
).pipe(
  Command.withDescription("Send an event, or many from a file or stdin"),
  Command.withExamples([
    { command: "hogsend events send signed_up --user u_1 --prop plan=free --prop seats:=3" },
    { command: "hogsend events send order.placed --email ada@example.com --value 49.9 --currency EUR" },
    {
      command: "hogsend events send --file events.ndjson --idempotency-key import-1",
      description: "A JSON object a line"
    }
  ])
)

const sendMany = Effect.fnUntraced(function* (file: string, idempotencyKey: string | undefined) {
  const key = idempotencyKey ?? crypto.randomUUID()
  const again = `Send the same once more with --idempotency-key ${key}: what is stored is not stored twice`
  const sent = yield* sendLines(file, key).pipe(
    Effect.mapError((error) =>
      error._tag === "Failed" ? new Failed({ message: `${error.message}\n${again}` }) : error
    )
  )
  if (sent.results.length === 0) {
    return yield* new WrongUsage({ message: "there was no event to read; to send one, say what happened: see --help" })
  }
  yield* printResult(sent, sentText)
  if (sent.rejected > 0)
    return yield* new Failed({ message: `${sent.rejected} were rejected. Mend them in their lines. ${again}` })
})
