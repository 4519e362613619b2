/** `hogsend webhooks`: the endpoints that outbound events go to. What is delivered to them stands in `deliveries.ts`. */
import type { WebhookEndpointDraft } from "@hogsend/client"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { confirm, yes } from "./confirm.ts"
import { deliveries, replay, retry } from "./deliveries.ts"
import { WrongUsage } from "./Failed.ts"
import { Url } from "./globals.ts"
import { details, note, printPage, printResult } from "./output.ts"
import { paging } from "./paging.ts"
import { parseProperties } from "./parseProperties.ts"
import { asAdmin } from "./server.ts"
import { switchFlag } from "./switchFlag.ts"

type EventTypes = WebhookEndpointDraft["eventTypes"]

const id = Argument.String("id").pipe(Argument.withDescription("The id of the endpoint, as `webhooks list` shows it"))

const shownOnce = "The secret is shown this once: it is what you verify webhooks with."

/** What an endpoint can be given, when it is made and later. */
const settings = {
  event: Flag.String("event").pipe(
    Flag.withDescription("What to send there, such as contact.created; several times for more"),
    Flag.atLeast(0)
  ),
  allEvents: switchFlag("all-events", "Send everything there"),
  description: Flag.String("description").pipe(Flag.withDescription("What it is for; empty: none"), Flag.optional),
  disabled: Flag.Boolean("disabled").pipe(
    Flag.withDescription("Send nothing; what happens meanwhile can be replayed for 30 days"),
    Flag.optional
  ),
  ordering: Flag.Literals("ordering", ["none", "contact"]).pipe(
    Flag.withDescription("contact: the events of one contact wait for each other"),
    Flag.optional
  ),
  config: Flag.String("config").pipe(
    Flag.withMetavar("name=value"),
    Flag.withDescription("A setting of its kind; several times for more. No answer shows the values"),
    Flag.atLeast(0)
  )
}

interface Settings {
  readonly event: ReadonlyArray<string>
  readonly allEvents: boolean
  readonly description: Option.Option<string>
  readonly disabled: Option.Option<boolean>
  readonly ordering: Option.Option<"none" | "contact">
  readonly config: ReadonlyArray<string>
}

const eventTypesOf = ({ allEvents, event }: Settings) =>
  allEvents
    ? Effect.map(
        Effect.promise(() => import("@hogsend/core")),
        ({ outboundEventNames }) => outboundEventNames
      )
    : // The server knows the names, and says which of them it does not.
      Effect.succeed(event as ReadonlyArray<string> as EventTypes)

const fieldsOf = Effect.fnUntraced(function* (given: Settings) {
  const config = yield* parseProperties("config", given.config)
  return {
    description: Option.getOrUndefined(Option.map(given.description, (text) => (text === "" ? null : text))),
    disabled: Option.getOrUndefined(given.disabled),
    ordering: Option.getOrUndefined(given.ordering),
    config: given.config.length === 0 ? undefined : config
  }
})

const list = Command.make(
  "list",
  paging,
  Effect.fnUntraced(function* (page) {
    const found = yield* asAdmin(({ webhooks }) => webhooks.list(page))
    yield* printPage(found, "endpoints", ["id", "kind", "url", "status", "circuit", "eventTypes", "lastDeliveryAt"])
  })
).pipe(
  Command.withDescription("List endpoints, newest first"),
  Command.withExamples([{ command: "hogsend webhooks list --json" }])
)

const get = Command.make(
  "get",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    yield* printResult(yield* asAdmin(({ webhooks }) => webhooks.get(id)), details)
  })
).pipe(
  Command.withDescription("Show an endpoint"),
  Command.withExamples([{ command: "hogsend webhooks get 0198d5c8-4ad5-7000-8000-000000000000" }])
)

const create = Command.make(
  "create",
  {
    url: Argument.String("url").pipe(
      Argument.withDescription("Where to send it, https on a public address; some kinds need none"),
      Argument.optional
    ),
    kind: Flag.String("kind").pipe(
      Flag.withDescription("Which destination makes the requests, default webhook"),
      Flag.optional
    ),
    ...settings
  },
  Effect.fnUntraced(function* ({ kind, url, ...given }) {
    const eventTypes = yield* eventTypesOf(given)
    if (eventTypes.length === 0) {
      return yield* new WrongUsage({ message: "say what to send there: --event contact.created, or --all-events" })
    }
    // Or the key would go to the receiver.
    if (Option.isNone(url) && Option.isNone(kind) && Option.isSome(yield* Url)) {
      return yield* new WrongUsage({
        message:
          "the receiver's URL stands by itself, --url is the server's: hogsend webhooks create https://… --event …"
      })
    }
    const fields = yield* fieldsOf(given)
    const created = yield* asAdmin(({ webhooks }) =>
      webhooks.create({ url: Option.getOrUndefined(url), kind: Option.getOrUndefined(kind), eventTypes, ...fields })
    )
    yield* printResult(created, details)
    if (created.secret !== undefined) yield* note(shownOnce)
  })
).pipe(
  Command.withDescription("Send events to a URL from now on"),
  Command.withExamples([
    { command: "hogsend webhooks create https://example.com/hooks --event contact.created --event contact.updated" },
    { command: "hogsend webhooks create https://example.com/hooks --all-events --ordering contact" }
  ])
)

const update = Command.make(
  "update",
  {
    id,
    url: Flag.String("endpoint-url").pipe(Flag.withDescription("Where to send it from now on"), Flag.optional),
    ...settings
  },
  Effect.fnUntraced(function* ({ id, url, ...given }) {
    const eventTypes = yield* eventTypesOf(given)
    const patch = {
      ...(yield* fieldsOf(given)),
      url: Option.getOrUndefined(url),
      eventTypes: eventTypes.length === 0 ? undefined : eventTypes
    }
    if (Object.values(patch).every((value) => value === undefined)) {
      return yield* new WrongUsage({ message: "say what to change: see hogsend webhooks update --help" })
    }
    yield* printResult(yield* asAdmin(({ webhooks }) => webhooks.update(id, patch)), details)
  })
).pipe(
  Command.withDescription("Change an endpoint; what is not named stays as it is"),
  Command.withExamples([
    { command: "hogsend webhooks update 0198d5c8-4ad5-7000-8000-000000000000 --disabled" },
    { command: "hogsend webhooks update 0198d5c8-4ad5-7000-8000-000000000000 --no-disabled --all-events" }
  ])
)

const remove = Command.make(
  "delete",
  { id, yes },
  Effect.fnUntraced(function* ({ id, yes }) {
    const { kind, url } = yield* asAdmin(({ webhooks }) => webhooks.get(id))
    yield* confirm(`This deletes the endpoint ${url ?? kind} with its deliveries, those on their way included.`, yes)
    const deleted = yield* asAdmin(({ webhooks }) => webhooks.delete(id))
    yield* printResult({ ...deleted, id, url }, details)
  })
).pipe(
  Command.withDescription("Delete an endpoint with its deliveries"),
  Command.withExamples([{ command: "hogsend webhooks delete 0198d5c8-4ad5-7000-8000-000000000000 --yes" }])
)

const rotateSecret = Command.make(
  "rotate-secret",
  {
    id,
    grace: Flag.Int("grace-seconds").pipe(
      Flag.withDescription("How long the old secret signs, too; 0 ends it now, default a day"),
      Flag.optional
    ),
    yes
  },
  Effect.fnUntraced(function* ({ grace, id, yes }) {
    const graceSeconds = Option.getOrUndefined(grace)
    if (graceSeconds === 0) {
      const { kind, url } = yield* asAdmin(({ webhooks }) => webhooks.get(id))
      yield* confirm(`This ends the old secret of ${url ?? kind}: whoever verifies by it refuses what comes.`, yes)
    }
    yield* printResult(yield* asAdmin(({ webhooks }) => webhooks.rotateSecret(id, { graceSeconds })), details)
    yield* note(shownOnce)
  })
).pipe(
  Command.withDescription("Make a new signing secret; the old one signs, too, for a while"),
  Command.withExamples([
    { command: "hogsend webhooks rotate-secret 0198d5c8-4ad5-7000-8000-000000000000 --grace-seconds 3600" }
  ])
)

const test = Command.make(
  "test",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    yield* printResult(yield* asAdmin(({ webhooks }) => webhooks.sendTest(id)), details)
    yield* note(`What became of it: hogsend webhooks deliveries ${id} --limit 1`)
  })
).pipe(
  Command.withDescription("Send a webhook.test to an endpoint, whatever it subscribes to"),
  Command.withExamples([{ command: "hogsend webhooks test 0198d5c8-4ad5-7000-8000-000000000000" }])
)

export const webhooks = Command.make("webhooks").pipe(
  Command.withDescription("The endpoints that outbound events go to, what was delivered, and delivering it again"),
  Command.withShortDescription("Endpoints, and what was delivered to them"),
  Command.withSubcommands([list, get, create, update, remove, rotateSecret, test, deliveries, retry, replay])
)
