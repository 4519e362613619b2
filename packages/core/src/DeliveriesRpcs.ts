/** The calls about deliveries: watching what becomes of them. */
import * as Schema from "effect/Schema"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { Access } from "./Authorization.ts"
import { Delivery, DeliveryAttempt } from "./Delivery.ts"
import { EndpointId, EndpointNotFound } from "./Endpoint.ts"
import { DatabaseUnavailable, Overloaded } from "./Envelope.ts"
import { Heartbeat } from "./Heartbeat.ts"
import { ContactId } from "./Identity.ts"
import { RpcAuthorization } from "./RpcAuthorization.ts"

/** Which deliveries to watch; without a field, all of them. */
export const DeliveriesWatch = Schema.Struct({
  endpointId: Schema.optionalKey(EndpointId).annotateKey({ description: "Only deliveries to this endpoint." }),
  contactId: Schema.optionalKey(ContactId).annotateKey({ description: "Only events about this contact." })
})
export type DeliveriesWatch = typeof DeliveriesWatch.Type

/** An attempt at a delivery ended. */
export class AttemptEnded extends Schema.TaggedClass<AttemptEnded>()("AttemptEnded", {
  delivery: Delivery.annotate({ description: "As it is since: `status` says what became of it." }),
  attempt: DeliveryAttempt
}) {}

/** More attempts ended than the reader took or a look may hold: that many are left out here. */
export class AttemptsSkipped extends Schema.TaggedClass<AttemptsSkipped>()("AttemptsSkipped", {
  count: Schema.Int
}) {}

/** What `Deliveries.watch` says. */
export const DeliveriesWatchItem = Schema.Union([AttemptEnded, AttemptsSkipped, Heartbeat])
export type DeliveriesWatchItem = typeof DeliveriesWatchItem.Type

export class DeliveriesRpcs extends RpcGroup.make(
  /**
   * Every attempt from now on as it ends, with what became of the delivery. What nobody was sent, as a delivery that an
   * operator discards, is no attempt. Ends without a failure only when the server stops: then ask again. `Overloaded`: the
   * process has as many streams as it takes.
   */
  Rpc.make("Deliveries.watch", {
    payload: DeliveriesWatch,
    success: DeliveriesWatchItem,
    error: Schema.Union([EndpointNotFound, Overloaded, DatabaseUnavailable]),
    stream: true
  })
    .annotate(Access, Access.secret("full-admin"))
    .annotate(Rpc.ParseOptions, { errors: "all", onExcessProperty: "error" })
).middleware(RpcAuthorization) {}
