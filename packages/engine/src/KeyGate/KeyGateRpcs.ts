/**
 * The `RpcAuthorization` middleware of every call: asks `KeyGate` whether the key of the request may make it, again and again
 * as long as a stream is open, and provides the `Caller`. The key is the one in the request's own headers; what a call says
 * of headers counts for nothing. A defect is logged here, with its cause, and becomes an `InternalFault`.
 */
import { Access, Caller, type DatabaseUnavailable, RpcAuthorization } from "@hogsend/core"
import { Cause, Context, Effect, Layer, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import { RpcSchema } from "effect/rpc"
import { internalFault } from "../HttpEdge.ts"
import { bearerOf, KeyGate, originFactsOf, type Refusal } from "../KeyGate.ts"

export const KeyGateRpcs = Layer.effect(
  RpcAuthorization,
  Effect.gen(function* () {
    const gate = yield* KeyGate
    return RpcAuthorization.of(
      Effect.fnUntraced(function* (handler, { rpc }) {
        const request = yield* Effect.flatMap(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (found) =>
          Effect.orDie(Effect.fromOption(found))
        )
        const access = Context.get(rpc.annotations, Access)
        const origin = originFactsOf(request, Option.getOrUndefined(request.remoteAddress))
        const bearer = bearerOf(request.headers)
        const caller = yield* forServers(gate.authorize(bearer, access, origin))
        const call = Effect.catchCause(Effect.provideService(handler, Caller, caller), (cause) =>
          Cause.hasDies(cause)
            ? Effect.andThen(Effect.logError("A call failed", cause), Effect.fail(internalFault))
            : Effect.failCause(cause)
        )
        return yield* RpcSchema.isStreamSchema(rpc.successSchema)
          ? Effect.raceFirst(call, forServers(gate.untilRefused(bearer, access, origin)))
          : call
      })
    )
  })
)

/** No call is open to a publishable key, which alone has origins. */
const forServers = <A>(judged: Effect.Effect<A, Refusal | DatabaseUnavailable>) =>
  Effect.catchTag(judged, "OriginDenied", (denied) => Effect.die(denied))
