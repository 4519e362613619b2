/**
 * Endpoints as they cross the wire: where outbound events go, in what form, and which of them.
 *
 * A signing secret is shown by create and rotate only; the values of a config by no answer at all.
 */
import * as Schema from "effect/Schema"
import { Instant } from "./Instant.ts"
import { analyticsMessageNames, outboundEventNames, SubscribedEventName } from "./Outbound.ts"
import { Properties } from "./Properties.ts"
import { StorableText } from "./StorableText.ts"

export const EndpointId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("EndpointId"))
export type EndpointId = typeof EndpointId.Type

/** Whether the events of one contact wait for each other. */
export const EndpointOrdering = Schema.Literals(["none", "contact"])
export type EndpointOrdering = typeof EndpointOrdering.Type

/** What stands for a value that is not shown. */
export const maskedValue = "***"

/** The `disabledReason` of an endpoint that somebody meant to disable. Any other is a reason to look after its receiver. */
export const endpointDisabledBy = {
  operator: "An operator disabled it.",
  configuration: "The configuration does not ask for it any more."
} as const

const orderingProse =
  "`contact`: the events of one contact are delivered one after the other, in the order in which they happened, and one that fails holds up those behind it. `none`: each goes when it can; a receiver that cares compares timestamps."

/** An endpoint as every answer shows it. Times are ISO-8601 UTC. */
export class Endpoint extends Schema.Class<Endpoint>("Endpoint")({
  id: EndpointId,
  kind: Schema.String.annotateKey({
    description:
      "Its destination: `webhook`, another preset, or one of your own; `analytics`: the analytics provider, whose endpoint the configuration makes."
  }),
  url: Schema.NullOr(Schema.String),
  description: Schema.NullOr(Schema.String),
  eventTypes: Schema.Array(Schema.Literals([...outboundEventNames, ...analyticsMessageNames])).annotateKey({
    description: "What it subscribes to."
  }),
  ordering: EndpointOrdering.annotateKey({ description: orderingProse }),
  config: Schema.NullOr(Schema.Record(Schema.String, Schema.Literal(maskedValue))).annotateKey({
    description: "The names of what it is set up with. The values are never shown."
  }),
  status: Schema.Literals(["enabled", "disabled"]),
  disabledAt: Schema.NullOr(Instant),
  disabledReason: Schema.NullOr(Schema.String).annotateKey({
    description: "Why, for a person: an operator did it, or the receiver is gone or has failed for days."
  }),
  secretPrefix: Schema.NullOr(Schema.String).annotateKey({
    description: "The first 12 characters of the signing secret. Null: it has none."
  }),
  previousSecretUntil: Schema.NullOr(Instant).annotateKey({
    description: "Until when the secret before this one signs, too. Null: there is none."
  }),
  circuit: Schema.Literals(["closed", "open"]).annotateKey({
    description:
      "`open`: most attempts failed, so it is left alone, but for one now and then that tries whether it works again."
  }),
  lastDeliveryAt: Schema.NullOr(Instant).annotateKey({ description: "When a delivery last succeeded." }),
  createdAt: Instant,
  updatedAt: Instant
}) {}

const secretProse =
  "The signing secret, `whsec_` and base64 of 32 bytes. Shown this once. Verify with it as the Standard Webhooks specification says."

/** The answer of create: for a kind that is signed, the only one but rotate's that holds the secret itself. */
export class EndpointCreated extends Endpoint.extend<EndpointCreated>("EndpointCreated")({
  secret: Schema.optionalKey(Schema.String).annotateKey({ description: secretProse })
}) {}

/** The answer of rotate. */
export class SecretRotated extends Schema.Class<SecretRotated>("SecretRotated")({
  id: EndpointId,
  secret: Schema.String.annotateKey({ description: secretProse }),
  secretPrefix: Schema.String.annotateKey({ description: "The first 12 characters of the secret." }),
  previousSecretUntil: Schema.NullOr(Instant).annotateKey({
    description: "Until when both secrets sign. Null: only the new one does."
  })
}) {}

const Url = StorableText.check(Schema.isMinLength(1), Schema.isMaxLength(2048))
const Description = StorableText.check(Schema.isMaxLength(500))
const EventTypes = Schema.Array(SubscribedEventName).check(Schema.isMinLength(1), Schema.isMaxLength(100))

const fields = {
  url: Schema.optionalKey(Schema.NullOr(Url)).annotateKey({
    description:
      "Where to: `https`, on a public address. The kind `webhook` needs it. At most 2048 characters, without a user or a password."
  }),
  eventTypes: EventTypes.annotateKey({ description: "What to subscribe to: names of the catalog, one at least." }),
  description: Schema.optionalKey(Schema.NullOr(Description)).annotateKey({ description: "At most 500 characters." }),
  disabled: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "A disabled endpoint is sent nothing. What happens meanwhile can be replayed for 30 days."
  }),
  kind: Schema.optionalKey(StorableText.check(Schema.isMaxLength(100))).annotateKey({
    description: "The destination that makes the requests: `webhook` signs and posts the envelope as it is."
  }),
  ordering: Schema.optionalKey(EndpointOrdering).annotateKey({ description: orderingProse })
} as const

/** What a new endpoint shall be. */
export const EndpointDraft = Schema.Struct({
  ...fields,
  config: Schema.optionalKey(Schema.NullOr(Properties)).annotateKey({
    description: "Credentials and settings of its kind, kept sealed: at most 32 KiB of JSON and 16 levels."
  })
})
export type EndpointDraft = typeof EndpointDraft.Type

/** What can be edited. An absent field stays as it is, a null clears it. */
export const EndpointPatch = Schema.Struct({
  ...fields,
  eventTypes: Schema.optionalKey(fields.eventTypes).annotateKey({ description: "Instead of what it subscribes to." }),
  config: Schema.optionalKey(Schema.NullOr(Properties)).annotateKey({
    description: `Instead of its config; null clears it. A value of \`${maskedValue}\` stays as it is, so an answer can be edited and sent back.`
  })
})
export type EndpointPatch = typeof EndpointPatch.Type

export class EndpointNotFound extends Schema.TaggedError<EndpointNotFound>()(
  "EndpointNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No endpoint has this id." }
) {}

export class EndpointInvalid extends Schema.TaggedError<EndpointInvalid>()(
  "EndpointInvalid",
  { error: Schema.String },
  {
    httpApiStatus: 400,
    description:
      "No destination has this kind, or the endpoint lacks what its kind needs or asks for events that it does not take. Or it is the analytics provider's, which the configuration makes, and which can only be disabled and enabled."
  }
) {}

export class EndpointLimitReached extends Schema.TaggedError<EndpointLimitReached>()(
  "EndpointLimitReached",
  { error: Schema.String },
  { httpApiStatus: 409, description: "There are as many endpoints as there may be." }
) {}
