/** Deliveries: one outbound event on its way to one endpoint, and every attempt at it. */
import * as Schema from "effect/Schema"
import { EndpointId } from "./Endpoint.ts"
import { ContactId } from "./Identity.ts"
import { Instant } from "./Instant.ts"
import { OutboundEnvelope } from "./Outbound.ts"
import { TaggedError } from "./TaggedError.ts"

export const DeliveryId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("DeliveryId"))
export type DeliveryId = typeof DeliveryId.Type

export const DeliveryStatus = Schema.Literals(["pending", "delivered", "dead", "discarded"])
export type DeliveryStatus = typeof DeliveryStatus.Type

export class Delivery extends Schema.Class<Delivery>("Delivery")({
  id: DeliveryId,
  endpointId: EndpointId,
  messageId: OutboundEnvelope.fields.id.annotateKey({ description: "The `id` of the envelope." }),
  eventType: Schema.String,
  contactId: Schema.NullOr(ContactId).annotateKey({ description: "Null: it is about no person." }),
  status: DeliveryStatus.annotateKey({
    description:
      "`pending`: it is tried at `dueAt`. `delivered`: the receiver took it, or its destination skipped it. `dead`: it is given up, and can be delivered again. `discarded`: nobody wants it any more."
  }),
  attempts: Schema.Int.annotateKey({ description: "How many there were, one that runs now included." }),
  dueAt: Schema.NullOr(Instant).annotateKey({ description: "When it is tried next. Null: never." }),
  lastStatus: Schema.NullOr(Schema.Int).annotateKey({ description: "The HTTP status of the last answer." }),
  lastError: Schema.NullOr(Schema.String).annotateKey({ description: "What went wrong last, for a person." }),
  createdAt: Instant,
  finishedAt: Schema.NullOr(Instant)
}) {}

/** A delivery that was given up. */
export class DeadLetter extends Delivery.extend<DeadLetter>("DeadLetter")({
  payload: OutboundEnvelope.annotateKey({ description: "The envelope, as the receiver did not get it." })
}) {}

export class DeliveryAttempt extends Schema.Class<DeliveryAttempt>("DeliveryAttempt")({
  number: Schema.Int.annotateKey({ description: "From 1." }),
  startedAt: Instant,
  durationMs: Schema.Int,
  status: Schema.NullOr(Schema.Int).annotateKey({ description: "The HTTP status. Null: there was no answer." }),
  error: Schema.NullOr(Schema.String).annotateKey({ description: "What went wrong, for a person." }),
  answer: Schema.NullOr(Schema.String).annotateKey({ description: "The first KiB of the answer." })
}) {}

export class DeliveryNotFound extends TaggedError<DeliveryNotFound>()(
  "DeliveryNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No delivery has this id." }
) {}

export class DeliveryEnded extends TaggedError<DeliveryEnded>()(
  "DeliveryEnded",
  { error: Schema.String },
  { httpApiStatus: 409, description: "The delivery was delivered or discarded, so it cannot be discarded." }
) {}

export class DeliveryNotDead extends TaggedError<DeliveryNotDead>()(
  "DeliveryNotDead",
  { error: Schema.String },
  {
    httpApiStatus: 409,
    description: "The delivery is no dead letter any more: it is on its way again, was delivered, or was discarded."
  }
) {}

export class EndpointDisabled extends TaggedError<EndpointDisabled>()(
  "EndpointDisabled",
  { error: Schema.String },
  { httpApiStatus: 409, description: "The endpoint is disabled, so nothing can be delivered to it." }
) {}
