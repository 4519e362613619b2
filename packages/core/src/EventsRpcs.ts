/** The calls about events: taking them in, one or many, and following them as they are stored. */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { Access } from "./Authorization.ts"
import { DatabaseUnavailable, Overloaded } from "./Envelope.ts"
import { EventBatch, EventBatchAccepted } from "./EventBatch.ts"
import { Event, EventAccepted, EventDraft, EventId, IdempotencyKeyReused } from "./Event.ts"
import { Heartbeat } from "./Heartbeat.ts"
import { ContactId, IdentityMissing } from "./Identity.ts"
import { RpcAuthorization } from "./RpcAuthorization.ts"
import { StorableText } from "./StorableText.ts"

/** An event as a server sends it: without what only a browser's request has. */
export const EventTrack = EventDraft.mapFields(Struct.omit(["userToken", "source"]))
export type EventTrack = typeof EventTrack.Type

/** Which events to follow; without a field, all of them from now on. */
export const EventsTail = Schema.Struct({
  after: Schema.optionalKey(EventId).annotateKey({
    description:
      "The `id` of an event: those that came after it are given first. Ids are not in the order in which events are stored, so some that came up to 30 seconds before it are given, too, and perhaps again: who resumes leaves out the ids that it had."
  }),
  names: Schema.optionalKey(
    Schema.Array(StorableText).check(Schema.isMinLength(1), Schema.isMaxLength(100))
  ).annotateKey({ description: "Only events of these names, exactly; 1 to 100." }),
  contactId: Schema.optionalKey(ContactId).annotateKey({
    description:
      "Only events of this contact, under any key that it ever had. The id of one that was merged away will do."
  })
})
export type EventsTail = typeof EventsTail.Type

/** An event that was stored, as an operator sees it. */
export class EventStored extends Schema.TaggedClass<EventStored>()("EventStored", { event: Event }) {}

/** What `Events.tail` says. */
export const EventsTailItem = Schema.Union([EventStored, Heartbeat])
export type EventsTailItem = typeof EventsTailItem.Type

export class EventsRpcs extends RpcGroup.make(
  /** Takes an event in, as `POST /v1/events` does. A retry with the same `idempotencyKey` is stored once. */
  Rpc.make("Events.track", {
    payload: EventTrack,
    success: EventAccepted,
    error: Schema.Union([IdentityMissing, IdempotencyKeyReused, Overloaded, DatabaseUnavailable])
  })
    .annotate(Access, Access.secret("ingest"))
    .annotate(Rpc.ParseOptions, { errors: "all" }),

  /** Takes many events in, as `POST /v1/events/batch` does: one result for each of them, in order. */
  Rpc.make("Events.trackBatch", {
    payload: EventBatch,
    success: EventBatchAccepted,
    error: Schema.Union([Overloaded, DatabaseUnavailable])
  })
    .annotate(Access, Access.secret("ingest"))
    .annotate(Rpc.ParseOptions, { errors: "all" }),

  /**
   * Every event as it is stored, the oldest first, no event twice. Ends without a failure only when the server stops: then
   * ask again with `after`, the id of the last event. `Overloaded`: the process has as many streams as it takes.
   */
  Rpc.make("Events.tail", {
    payload: EventsTail,
    success: EventsTailItem,
    error: Schema.Union([Overloaded, DatabaseUnavailable]),
    stream: true
  })
    .annotate(Access, Access.secret("read"))
    .annotate(Rpc.ParseOptions, { errors: "all", onExcessProperty: "error" })
).middleware(RpcAuthorization) {}
