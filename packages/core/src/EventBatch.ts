/**
 * Many events in one request: what is sent, and one result for each of them, in order.
 *
 * An item that is no event is decoded to its refusal instead of failing the body, so it never spoils its neighbours.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaParser from "effect/SchemaParser"
import { BodyTooLarge, Issue, RequestInvalid } from "./Envelope.ts"
import { EventAccepted, EventDraft, IdempotencyKey } from "./Event.ts"
import { holdsTooLargeBag } from "./Properties.ts"

export const maxBatchEvents = 500
export const maxBatchBytes = 4 * 1024 * 1024

/** Why an item is no event: what `POST /v1/events` would answer for it alone. */
export type EventItemRefusal = RequestInvalid | BodyTooLarge

const Draft = Schema.toCodecJson(EventDraft)
const decodeDraft = SchemaParser.decodeUnknownResult(Draft, { errors: "all" })
const encodeDraft = SchemaParser.encodeUnknownEffect(Draft)

/** Not looked at as JSON either, before it is one item's: `1e400` is no number of it. */
const Anything = Schema.declare<unknown>((_value): _value is unknown => true, { toCodecJson: () => undefined })

/** An event as it crosses the wire, or why it is none. */
export const decodeEventItem = (item: unknown): EventDraft | EventItemRefusal => {
  const decoded = decodeDraft(item)
  if (Result.isSuccess(decoded)) return decoded.success
  return holdsTooLargeBag(item) ? BodyTooLarge.ofProperties : RequestInvalid.of("payload", decoded.failure)
}

/** An event as for one, or its refusal. */
export const EventBatchItem = Anything.pipe(
  Schema.decodeTo(
    Schema.declare((_item: unknown): _item is EventDraft | EventItemRefusal => true),
    {
      decode: SchemaGetter.transform(decodeEventItem),
      // A refusal was never an event, though it has a name.
      encode: SchemaGetter.transformEffect((item) => encodeDraft("_tag" in item ? undefined : item))
    }
  )
)

/** The body of `POST /v1/events/batch`. */
export const EventBatch = Schema.Struct({
  // The number of them before any of them: a body has room for a million items that are no events.
  events: Schema.Array(Anything)
    .check(Schema.isMinLength(1), Schema.isMaxLength(maxBatchEvents))
    .pipe(Schema.decodeTo(Schema.Array(EventBatchItem)))
    .annotateKey({ description: `1 to ${maxBatchEvents} events, each as the body of \`POST /v1/events\`.` }),
  idempotencyKey: Schema.optionalKey(IdempotencyKey).annotateKey({
    description: "As the header `Idempotency-Key`, which wins when both are sent."
  })
})

/** What became of one event of a batch. */
export const EventBatchResult = Schema.Struct({
  status: Schema.Literals(["stored", "duplicate", "rejected"]).annotateKey({
    description:
      "`duplicate`: it was stored before, or its person was erased (with the warning `erased_person`), and nothing was changed. `rejected`: `error` says why, and sending it again as it is helps only with `DatabaseUnavailable`, `Overloaded` and `RateLimited`."
  }),
  contactKey: Schema.optionalKey(EventAccepted.fields.contactKey),
  contactKeyKind: Schema.optionalKey(EventAccepted.fields.contactKeyKind),
  safeToIdentify: Schema.optionalKey(EventAccepted.fields.safeToIdentify),
  warnings: EventAccepted.fields.warnings,
  listsError: EventAccepted.fields.listsError,
  error: Schema.optionalKey(
    Schema.Struct({
      _tag: Schema.String,
      error: Schema.String,
      issues: Schema.optionalKey(Schema.Array(Issue)),
      warnings: EventAccepted.fields.warnings,
      retryAfter: Schema.optionalKey(Schema.Int)
    })
  ).annotateKey({
    description:
      "What `POST /v1/events` would have answered for this event alone: which failure, a sentence, what is wrong with each field (`issues`) or key (`warnings`), and of `RateLimited` after how many seconds to try again (`retryAfter`)."
  })
})
export type EventBatchResult = typeof EventBatchResult.Type

/** The answer of `POST /v1/events/batch`. */
export const EventBatchAccepted = Schema.Struct({
  results: Schema.Array(EventBatchResult).annotateKey({ description: "One for each event, in the order of the body." })
})
export type EventBatchAccepted = typeof EventBatchAccepted.Type
