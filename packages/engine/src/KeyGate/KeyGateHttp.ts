/** The `Authorization` middleware of every guarded route: reads the headers, asks `KeyGate`, provides the `Caller`. */
import { Access, Authorization, Caller } from "@hogsend/core"
import { Context, Effect, Layer, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import { KeyGate, originFactsOf } from "../KeyGate.ts"

export const KeyGateHttp = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const gate = yield* KeyGate
    return Authorization.of({
      bearer: Effect.fnUntraced(function* (handler, { credential, endpoint }) {
        const request = yield* HttpServerRequest.HttpServerRequest
        const access = Context.get(endpoint.annotations, Access)
        const caller = yield* gate.authorize(
          credential,
          access,
          originFactsOf(request, Option.getOrUndefined(request.remoteAddress))
        )
        return yield* Effect.provideService(handler, Caller, caller)
      })
    })
  })
)
