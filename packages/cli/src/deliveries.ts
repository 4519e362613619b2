/** `hogsend webhooks deliveries`, `retry` and `replay`: what was delivered to an endpoint, and delivering it again. */
import type { DeliveryQuery, Replay } from "@hogsend/client"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { contactIdOf } from "./naming.ts"
import { details, note, printPage, printResult } from "./output.ts"
import { paging } from "./paging.ts"
import { asAdmin } from "./server.ts"
import { switchFlag } from "./switchFlag.ts"

const id = Argument.String("id").pipe(Argument.withDescription("The id of the endpoint, as `webhooks list` shows it"))

const filter = {
  contact: Flag.String("contact").pipe(
    Flag.withDescription("Only what is about the contact of this id"),
    Flag.optional
  ),
  since: Flag.Date("since").pipe(Flag.withDescription("Only what happened then or later, as ISO-8601"), Flag.optional),
  until: Flag.Date("until").pipe(Flag.withDescription("Only what happened before, as ISO-8601"), Flag.optional)
}

interface Filter {
  readonly contact: Option.Option<string>
  readonly since: Option.Option<Date>
  readonly until: Option.Option<Date>
}

const filterOf = Effect.fnUntraced(function* ({ contact, since, until }: Filter) {
  return {
    contactId: Option.isSome(contact) ? yield* contactIdOf(contact.value) : undefined,
    since: Option.getOrUndefined(since),
    until: Option.getOrUndefined(until)
  }
})

export const deliveries = Command.make(
  "deliveries",
  {
    id,
    ...paging,
    ...filter,
    status: Flag.Literals("status", ["pending", "delivered", "dead", "discarded"]).pipe(
      Flag.withDescription("Only those in this state"),
      Flag.optional
    ),
    event: Flag.String("event").pipe(Flag.withDescription("Only events of this name"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ event, id, limit, offset, status, ...given }) {
    const query: DeliveryQuery = {
      ...(yield* filterOf(given)),
      limit,
      offset,
      status: Option.getOrUndefined(status),
      eventType: Option.getOrUndefined(event) as DeliveryQuery["eventType"]
    }
    const found = yield* asAdmin(({ deliveries }) => deliveries.list(id, query))
    yield* printPage(found, "deliveries", [
      "id",
      "eventType",
      "status",
      "attempts",
      "lastStatus",
      "lastError",
      "dueAt",
      "createdAt"
    ])
  })
).pipe(
  Command.withDescription("List what was delivered to an endpoint, or is on its way; what happened last comes first"),
  Command.withShortDescription("List what was delivered to an endpoint"),
  Command.withExamples([{ command: "hogsend webhooks deliveries 0198d5c8-4ad5-7000-8000-000000000000 --status dead" }])
)

export const retry = Command.make(
  "retry",
  {
    id,
    delivery: Argument.String("delivery").pipe(
      Argument.withDescription("The id of the delivery, as `webhooks deliveries` shows it")
    )
  },
  Effect.fnUntraced(function* ({ delivery, id }) {
    yield* printResult(yield* asAdmin(({ deliveries }) => deliveries.retry(id, delivery)), details)
  })
).pipe(
  Command.withDescription("Deliver again, whatever became of it, under the same webhook-id"),
  Command.withExamples([
    { command: "hogsend webhooks retry 0198d5c8-4ad5-7000-8000-000000000000 0198d5c9-1c2b-7000-8000-000000000000" }
  ])
)

export const replay = Command.make(
  "replay",
  {
    id,
    ...filter,
    event: Flag.String("event").pipe(
      Flag.withDescription("Only events of this name; several times for more"),
      Flag.atLeast(0)
    ),
    message: Flag.String("message").pipe(
      Flag.withDescription("The id of an envelope, msg_…; several times for more"),
      Flag.atLeast(0)
    ),
    missingOnly: switchFlag("missing-only", "Only what the endpoint never got"),
    dryRun: switchFlag("dry-run", "Only count, and send nothing")
  },
  Effect.fnUntraced(function* ({ dryRun, event, id, message, missingOnly, ...given }) {
    const chosen: Replay = {
      ...(yield* filterOf(given)),
      eventTypes: event.length === 0 ? undefined : (event as ReadonlyArray<string> as Replay["eventTypes"]),
      messageIds: message.length === 0 ? undefined : message,
      missingOnly: missingOnly || undefined
    }
    yield* note("Counting what is to be sent…")
    const counted = yield* asAdmin(({ deliveries }) => deliveries.replay(id, { ...chosen, dryRun: true }))
    if (dryRun) return yield* printResult(counted, details)
    yield* note(`Sending ${counted.count} once more…`)
    yield* printResult(yield* asAdmin(({ deliveries }) => deliveries.replay(id, chosen)), details)
  })
).pipe(
  Command.withDescription("Send events of the last 30 days to an endpoint once more"),
  Command.withExamples([
    {
      command:
        "hogsend webhooks replay 0198d5c8-4ad5-7000-8000-000000000000 --since 2026-11-22T08:00:00Z --missing-only",
      description: "After an outage of the receiver"
    }
  ])
)
