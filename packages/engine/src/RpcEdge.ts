/**
 * The edge of the RPC wire: core's `Rpcs` at `POST /rpc`, one call a request, as lines of JSON.
 *
 * Before a call runs it is refused as a request to any route is, with a status and the envelope: without a good secret key,
 * unknown, or with a payload that does not fit. From then on its failures are typed and stand in the answer. Whether the key
 * may make this very call is the middleware's to say (`KeyGateRpcs`). A defect is logged, and nobody is told what it was.
 */
import { Access, rpcPath, Rpcs, type Scope } from "@hogsend/core"
import { Context, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { toEnvelope } from "./HttpEdge.ts"
import { bearerOf, KeyGate, originFactsOf } from "./KeyGate.ts"
import { readCall } from "./RpcEdge/readCall.ts"
import { withoutDefects } from "./RpcEdge/withoutDefects.ts"

/** What any call at all asks for: a key without it is refused before anybody asks which one. */
const scopes = new Set(
  [...Rpcs.requests.values()].flatMap((rpc): ReadonlyArray<Scope> => Context.get(rpc.annotations, Access).scopes)
)
const anyCall: Access = { browser: false, scopes: ["full-admin", ...scopes] }

const protocol = Layer.effect(
  RpcServer.Protocol,
  Effect.gen(function* () {
    const gate = yield* KeyGate
    const router = yield* HttpRouter.HttpRouter
    const { httpEffect, protocol } = yield* RpcServer.makeProtocolWithHttpEffect()
    const answer = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const origin = originFactsOf(request, Option.getOrUndefined(request.remoteAddress))
      yield* gate.authorize(bearerOf(request.headers), anyCall, origin)
      const call = yield* readCall(yield* Effect.orDie(request.text))
      return yield* Effect.provideService(httpEffect, HttpServerRequest.HttpServerRequest, holding(request, call))
    })
    yield* router.add(
      "POST",
      rpcPath,
      Effect.catch(answer, (refusal) => Effect.succeed(toEnvelope(refusal)))
    )
    return RpcServer.Protocol.of({
      ...protocol,
      send: (clientId, response) => Effect.flatMap(withoutDefects(response), (told) => protocol.send(clientId, told))
    })
  })
)

/** The request with another body. */
const holding = (request: HttpServerRequest.HttpServerRequest, text: string): HttpServerRequest.HttpServerRequest =>
  Object.create(request, { text: { value: Effect.succeed(text) } })

/** `Rpcs` on an `HttpRouter`, over their handlers and the gate. */
export const RpcEdge = RpcServer.layer(Rpcs, { disableFatalDefects: true }).pipe(
  Layer.provide(protocol),
  Layer.provide(RpcSerialization.layerNdjson)
)
