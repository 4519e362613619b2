/**
 * The one call of a request, checked to the last field before anything runs: Effect's server would answer a payload that
 * does not fit as if it were a defect of ours.
 */
import { BodyMalformed, BodyTooLarge, holdsTooLargeBag, RequestInvalid, Rpcs } from "@hogsend/core"
import { Context, Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"

/** What Effect's client sends of a call. Its headers are not read: who calls stands in the request's own. */
const Call = Schema.Struct({
  _tag: Schema.Literal("Request"),
  id: Schema.Union([Schema.String, Schema.Finite]),
  tag: Schema.String,
  payload: Schema.optionalKey(Schema.Unknown),
  discard: Schema.optionalKey(Schema.Literal(true)),
  /** It would have no answer. */
  isNotification: Schema.optionalKey(Schema.Never)
})

const parse = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))
const decodeCall = Schema.decodeUnknownEffect(Call)

const payloads = new Map(
  [...Rpcs.requests].map(([tag, rpc]) => {
    const payload: Schema.Top & { readonly DecodingServices: never } = rpc.payloadSchema
    return [
      tag,
      Schema.decodeUnknownEffect(Schema.toCodecJson(payload), Context.get(rpc.annotations, Rpc.ParseOptions))
    ] as const
  })
)

/** Answers the call as a line for Effect's server. */
export const readCall = Effect.fnUntraced(function* (body: string) {
  const json = yield* Effect.mapError(parse(body), () => notOneLine)
  const call = yield* Effect.mapError(decodeCall(json), ({ issue }) => RequestInvalid.of("call", issue))
  const decodePayload = payloads.get(call.tag)
  if (decodePayload === undefined) return yield* unknownCall
  yield* Effect.mapError(decodePayload(call.payload), ({ issue }) =>
    holdsTooLargeBag(call.payload) ? BodyTooLarge.ofProperties : RequestInvalid.of("payload", issue)
  )
  return `${JSON.stringify({ ...call, headers: [] })}\n`
})

const notOneLine = new BodyMalformed({ error: "The body is not one call: one line of JSON." })

const unknownCall = RequestInvalid.at("tag", [
  { message: `There is no such call. There are ${[...Rpcs.requests.keys()].join(", ")}.` }
])
