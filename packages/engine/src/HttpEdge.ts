/**
 * The edge of the HTTP wire: what holds for every request, whatever its route.
 *
 * Every answer has an `X-Request-Id`, and every failure is the one envelope: an unknown path, a wrong method, a body that
 * is not JSON, too large or malformed, and a defect, which tells the caller nothing and the log everything. The data plane
 * answers CORS, the admin plane does not. Who may call is judged inside the route, by `KeyGate`.
 */
import { BodyMalformed, BodyTooLarge, Envelope, InternalFault } from "@hogsend/core"
import { Cause, Effect, Exit, Option, type Types } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import * as ByteSize from "effect/ByteSize"
import { answerHeaders } from "./HttpEdge/answerHeaders.ts"
import { withStrictText } from "./HttpEdge/bodyText.ts"
import { toEnvelope } from "./HttpEdge/envelope.ts"
import { isPreflight, preflightHeaders } from "./HttpEdge/cors.ts"
import { startOf } from "./HttpEdge/HotRoutes.ts"
import { requestIdOf } from "./HttpEdge/requestId.ts"
import { hungUp, makeCountRequests } from "./HttpEdge/requestNumbers.ts"
import { routes } from "./HttpEdge/routes.ts"
import { nothingServed, type Route } from "./HttpEdge/RouteTable.ts"
import { refuseBody } from "./HttpEdge/refuseBody.ts"
import { schemaFailure } from "./HttpEdge/schemaFailure.ts"
import { RateLimits } from "./RateLimits.ts"

export { bodyText } from "./HttpEdge/bodyText.ts"
export { toEnvelope } from "./HttpEdge/envelope.ts"
export {
  type HotRoute,
  HotRoutes,
  type HotStart,
  makeHotRoute,
  rememberFailure,
  unlessFailed
} from "./HttpEdge/HotRoutes.ts"

/** What a request is called in a trace: by its route, since a path may hold what somebody sent. */
export const requestName = ({ method, url }: HttpServerRequest.HttpServerRequest): string =>
  `${method} ${routes.find(method, url).pattern ?? "(no route)"}`

export class HttpEdge {
  /** The global middleware, and the implementation of core's `Envelope`. */
  static readonly layer = HttpRouter.middleware(
    Effect.map(
      Effect.all([RateLimits, makeCountRequests]),
      ([limits, count]) =>
        (handler) =>
          edge(handler, limits, count)
    ),
    { global: true }
  )

  static readonly envelope = HttpApiMiddleware.layerSchemaErrorTransform(Envelope, schemaFailure)
}

const edge = (
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, Types.unhandled>,
  limits: RateLimits["Service"],
  count: Effect.Success<typeof makeCountRequests>
): Effect.Effect<HttpServerResponse.HttpServerResponse, Types.unhandled, HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const startedAt = startOf(request.source)
    const requestId = requestIdOf(request.headers["x-request-id"])
    const found = routes.find(request.method, request.url)
    yield* Effect.annotateCurrentSpan({ "hogsend.request_id": requestId })
    const keyless = found._tag === "Found" && (found.route === undefined || found.route.keyless)
    const admitted = keyless ? limitAddress(handler, request, limits) : handler
    const response = yield* answer(admitted, request, found).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          const status = Exit.isSuccess(exit) ? exit.value.status : hungUp
          count({ method: request.method, pattern: found.pattern, status })(startedAt)
        })
      ),
      // The route's pattern: a path and a query may carry a token or an email.
      Effect.tap(({ status }) => Effect.logDebug(`${request.method} ${found.pattern ?? "(no route)"} ${status}`)),
      Effect.annotateLogs({ requestId })
    )
    return HttpServerResponse.setHeaders(response, {
      ...answerHeaders(requestId, found.dataPlane, request.headers.origin),
      ...(response.status === 503 && response.headers["retry-after"] === undefined ? { "retry-after": "1" } : {})
    })
  })

/** Before what needs no key. */
const limitAddress = <E>(
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E>,
  request: HttpServerRequest.HttpServerRequest,
  limits: RateLimits["Service"]
) => {
  const peer = Option.getOrUndefined(request.remoteAddress)
  const { address } = limits.locate({ peer, forwardedFor: request.headers["x-forwarded-for"] })
  return Effect.matchEffect(limits.take({ keyless: address }), {
    onFailure: (refusal) => Effect.succeed(toEnvelope(refusal)),
    onSuccess: () => handler
  })
}

const answer = (
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown>,
  request: HttpServerRequest.HttpServerRequest,
  found: ReturnType<typeof routes.find>
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  if (isPreflight(request) && found.dataPlane) {
    return Effect.succeed(HttpServerResponse.empty({ status: 204, headers: preflightHeaders }))
  }
  if (found._tag === "Refused") return Effect.succeed(toEnvelope(found.refusal, found.headers))
  const refusedBody = found.route === undefined ? undefined : refuseBody(request, found.route)
  if (refusedBody !== undefined) return Effect.succeed(toEnvelope(refusedBody, { connection: "close" }))
  return handler.pipe(
    Effect.provideService(HttpServerRequest.HttpServerRequest, withStrictText(request)),
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(found.route?.maxBodyBytes ?? 0)),
    Effect.exit,
    Effect.flatMap((exit) => (Exit.isSuccess(exit) ? Effect.succeed(exit.value) : failed(exit.cause, found.route)))
  )
}

/** A body that grew over its limit while it was read, or is no text, is the caller's fault; what else ends here is ours. */
const failed = (cause: Cause.Cause<unknown>, route: Route | undefined) => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
  const error = Cause.squash(cause)
  if (error instanceof BodyMalformed) return Effect.succeed(toEnvelope(error))
  const reason = HttpServerError.isHttpServerError(error) ? error.reason : undefined
  // The router's limits are narrower than the table's: a parameter that is too long or wrongly encoded, `docs: false`.
  if (reason?._tag === "RouteNotFound") return Effect.succeed(toEnvelope(nothingServed))
  if (reason?._tag === "RequestParseError" && reason.reason === "BodyTooLarge" && route !== undefined) {
    return Effect.succeed(toEnvelope(BodyTooLarge.of(route.maxBodyBytes), { connection: "close" }))
  }
  return Effect.as(Effect.logError("A request failed", cause), toEnvelope(internalFault, {}))
}

/** All that anybody is told of a defect. */
export const internalFault = new InternalFault({
  error: "Something broke on our side. The X-Request-Id of this answer finds it in the server's log."
})
