/** The `Authorization` middleware of every guarded route: reads the headers, asks `KeyGate`, provides the `Caller`. */
import { Access, Authorization, Caller } from "@hogsend/core"
import { Context, Effect, Layer, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import { KeyGate } from "../KeyGate.ts"

export const KeyGateHttp = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const gate = yield* KeyGate
    return Authorization.of({
      bearer: Effect.fnUntraced(function* (handler, { credential, endpoint }) {
        const request = yield* HttpServerRequest.HttpServerRequest
        const caller = yield* gate.authorize(credential, Context.get(endpoint.annotations, Access), {
          method: request.method,
          origin: request.headers.origin,
          secFetchSite: request.headers["sec-fetch-site"],
          host: request.headers.host,
          peer: Option.getOrUndefined(request.remoteAddress),
          forwardedFor: request.headers["x-forwarded-for"]
        })
        return yield* Effect.provideService(handler, Caller, caller)
      })
    })
  })
)
