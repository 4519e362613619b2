/**
 * The short way of a busy route, for a server that has the whole request at hand: what the `HttpApi` and the edge do for
 * a request with nothing wrong about it, and nothing else.
 *
 * It answers only what it can accept: a key that the gate knows, a request that fits its schemas, a handler that succeeds.
 * Everything else, and all of it while a tracer listens, is left to the declared route, which reads the same request again
 * and alone knows how to refuse. A handler runs once: `unlessFailed` is told how it failed.
 */
import { Access, type Caller } from "@hogsend/core"
import { type Cause, Clock, Context, Effect, Option, Schema, Tracer } from "effect"
import { type Headers, HttpServerRequest } from "effect/http"
import type { HttpApiEndpoint } from "effect/http-api"
import { type KeyGate, originFactsOf } from "../KeyGate.ts"
import { answerHeaders } from "./answerHeaders.ts"
import { refuseBody } from "./refuseBody.ts"
import { requestIdOf } from "./requestId.ts"
import { makeCountRequests, monotonicMillis } from "./requestNumbers.ts"
import { routes } from "./routes.ts"

export interface HotAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A request that may go the short way as far as its head tells. */
export interface HotStart {
  /** For the declared route to go on with. */
  readonly requestId: string
  /** When its head was read, for `rememberFailure`. */
  readonly startedAt: number
  /** Takes the body; undefined when it is one for the declared route. What it fails with is the handler's. */
  readonly answer: (text: string) => Effect.Effect<HotAnswer, unknown> | undefined
}

/** Undefined when the request is one for the declared route. `peer` is the address of the socket's other end. */
export type HotRoute = (headers: Headers.Headers, peer?: string) => HotStart | undefined

/** Routes by their path. Each is a POST, and is hot only without a query. */
export class HotRoutes extends Context.Service<HotRoutes, ReadonlyMap<string, HotRoute>>()("engine/HotRoutes") {
  static readonly make = (byPath: Readonly<Record<string, HotRoute>>) =>
    Effect.map(Tracer.Tracer, (tracer) => new Map(tracer === Tracer.nativeTracer ? Object.entries(byPath) : []))
}

type Endpoint<Payload extends Schema.Top, Headers extends Schema.Top, Success extends Schema.Top> = Pick<
  HttpApiEndpoint.HttpApiEndpoint<string, "POST", `/${string}`, never, never, Payload, Headers, Success>,
  "~Payload" | "~Headers" | "~Success" | "path" | "headers" | "payload" | "success" | "annotations"
>

/** `handle` is what the declared route's handler does, `unlessFailed` around it there. */
export const makeHotRoute = <
  Payload extends Schema.Top,
  Headers extends Schema.Top,
  Success extends Schema.Top,
  Failure
>(
  endpoint: Endpoint<Payload, Headers, Success>,
  gate: KeyGate["Service"],
  handle: (
    caller: Caller["Service"],
    request: { readonly headers: Headers["Type"]; readonly payload: Payload["Type"]; readonly query: {} }
  ) => Effect.Effect<Success["Type"], Failure>
): Effect.Effect<HotRoute> =>
  Effect.map(Effect.all([Clock.Clock, makeCountRequests]), ([clock, countRequests]) => {
    const access = Context.get(endpoint.annotations, Access)
    const [payload = Schema.Never] = [...endpoint.payload.values()].flatMap(({ schemas }) => schemas)
    const decodePayload = Schema.decodeUnknownOption(payload as Schema.Decoder<Payload["Type"]>)
    const decodeHeaders = Schema.decodeUnknownOption(endpoint.headers as Schema.Decoder<Headers["Type"]>)
    const [success = Schema.Void] = endpoint.success
    const encodeSuccess = Schema.encodeUnknownEffect(success as Schema.Encoder<unknown>)
    // Where `HttpApiSchema.status` leaves it.
    const status = Number(success.ast.context?.annotations?.["httpApiStatus"] ?? 200)
    const found = routes.find("POST", endpoint.path)
    const count = countRequests({ method: "POST", pattern: found.pattern, status })
    const route = found._tag === "Found" ? found.route : undefined

    return (headers, peer) => {
      if (route === undefined || refuseBody({ headers }, route) !== undefined) return undefined
      const origin = originFactsOf({ method: "POST", headers }, peer)
      const caller = gate.admitted(bearerOf(headers), access, origin, clock.currentTimeMillisUnsafe())
      if (caller === undefined) return undefined
      const decoded = decodeHeaders(headers)
      if (Option.isNone(decoded)) return undefined
      const requestId = requestIdOf(headers["x-request-id"])
      const startedAt = monotonicMillis()
      const answer = (text: string) => {
        const payload = Option.flatMap(parseJson(text), (json) => decodePayload(json))
        if (Option.isNone(payload)) return undefined
        return handle(caller, { headers: decoded.value, payload: payload.value, query: {} }).pipe(
          Effect.flatMap((value) => Effect.orDie(encodeSuccess(value))),
          Effect.flatMap((encoded) => {
            count(startedAt)
            return Effect.as(Effect.logDebug(`POST ${found.pattern} ${status}`), {
              status,
              headers: answerHeaders(requestId, found.dataPlane, headers.origin),
              body: JSON.stringify(encoded)
            })
          }),
          Effect.annotateLogs({ requestId })
        )
      }
      return { requestId, startedAt, answer }
    }
  })

const parseJson = Option.liftThrowable((text: string): unknown => JSON.parse(text))

/** Spelled as nearly everybody does; who spells it otherwise takes the declared route. */
const bearerOf = ({ authorization }: Headers.Headers): string =>
  authorization?.startsWith("Bearer ") === true ? authorization.slice(7) : ""

interface Failure {
  readonly cause: Cause.Cause<unknown>
  readonly startedAt: number
}

/** How handlers failed on the short way, by the request as its server knows it. */
const failures = new WeakMap<object, Failure>()

/** Before the declared route gets the request `source`: its handler has run, from `startedAt` on, and failed so. */
export const rememberFailure = (source: object, cause: Cause.Cause<unknown>, startedAt: number): void => {
  failures.set(source, { cause, startedAt })
}

/** Since when somebody is at a request: at one that comes from the short way since it began there. */
export const startOf = (source: object): number => failures.get(source)?.startedAt ?? monotonicMillis()

/** A handler of a declared route that is hot as well. */
export const unlessFailed = <A, E, R>(
  handler: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ source }) => {
    const failure = failures.get(source)
    return failure === undefined ? handler : Effect.failCause(failure.cause as Cause.Cause<E>)
  })
