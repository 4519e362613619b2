/**
 * Core's `Api` over HTTP: every route as an Effect, with the classes that the route declares and the failures of the wire.
 *
 * Reads and `PUT`s are made again as long as it may help; the others are made once, since nobody knows what became of one
 * whose answer was lost.
 */
import { Api, Authorization, RequestInvalid } from "@hogsend/core"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { flow, identity } from "effect/Function"
import type * as HttpClient from "effect/http/HttpClient"
import { isHttpClientError } from "effect/http/HttpClientError"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { httpFailure } from "./failureOf.ts"
import { AnswerUnreadable, TimedOut, type WireFailure } from "./wireFailures.ts"

type Groups = typeof Api extends HttpApi.HttpApi<infer _Id, infer Found> ? Found : never

type Request<E extends HttpApiEndpoint.ConstraintRequest> = HttpApiEndpoint.ClientRequest<
  E["~Params"],
  E["~Query"],
  E["~Payload"],
  E["~Headers"],
  "decoded-only"
>

/** A route as a function: what it takes, what it answers, and everything that it can fail with. */
export type ApiCall<E extends HttpApiEndpoint.ConstraintRequest> = (
  request: Request<E>
) => Effect.Effect<
  HttpApiClient.SuccessType<E["~Success"]>,
  E["~Error"]["Type"] | HttpApiMiddleware.Error<E["~Middleware"]> | WireFailure
>

type GroupCalls<G extends HttpApiGroup.Constraint> = G["endpoints"] extends infer Endpoints extends Readonly<
  Record<string, HttpApiEndpoint.ConstraintRequest>
>
  ? { readonly [Name in keyof Endpoints]: ApiCall<Endpoints[Name]> }
  : never

/** Every route of the server, by group and name, as in its OpenAPI document. */
export type ApiCalls = {
  readonly [G in Groups as HttpApiGroup.Identifier<G>]: GroupCalls<G>
}

export interface ApiCallsOptions {
  readonly timeout: Duration.Duration
  readonly retry: Schedule.Schedule<unknown, unknown>
}

export const makeApiCalls = Effect.fnUntraced(
  function* (http: HttpClient.HttpClient, options: ApiCallsOptions) {
    const derived: Derived = yield* HttpApiClient.makeWith(Api, {
      httpClient: http,
      transformResponse: Effect.catchCause((cause) => Effect.fail(answerFailure(cause)))
    })
    const calls: Record<string, Record<string, unknown>> = {}
    HttpApi.reflect(Api, {
      onGroup: ({ group }) => void (calls[group.identifier] = {}),
      onEndpoint: ({ endpoint, group }) => {
        const send = derived[group.identifier]?.[endpoint.identifier]
        const attempt = (request: never) =>
          Effect.suspend(() => send!(request)).pipe(
            Effect.mapError(requestFailure),
            Effect.timeoutOrElse({
              duration: options.timeout,
              orElse: () => Effect.fail(TimedOut.after(Duration.toMillis(options.timeout)))
            })
          )
        const repeatable = endpoint.method === "GET" || endpoint.method === "PUT"
        calls[group.identifier]![endpoint.identifier] = flow(
          attempt,
          repeatable ? Effect.retry(options.retry) : identity,
          Effect.withSpan(`Hogsend.${group.identifier}.${endpoint.identifier}`, { kind: "client" })
        )
      }
    })
    return calls as ApiCalls
  },
  // The key stands on every request of `wireClient`.
  Effect.provide(HttpApiMiddleware.layerClient(Authorization, ({ next, request }) => next(request)))
)

type Derived = Readonly<Record<string, Readonly<Record<string, (request: never) => Effect.Effect<unknown, unknown>>>>>

/** Of an answer: what the route declares, or what the wire did to it. */
const answerFailure = (cause: Cause.Cause<unknown>): unknown => {
  const failed = Cause.findError(cause)
  if (Result.isFailure(failed) || Schema.isSchemaError(failed.success)) return AnswerUnreadable.malformed()
  return isHttpClientError(failed.success) ? httpFailure(failed.success.reason) : failed.success
}

/** Of what went wrong before there was an answer. */
const requestFailure = (error: unknown): unknown => {
  if (Schema.isSchemaError(error)) return RequestInvalid.of("request", error.issue)
  return isHttpClientError(error) ? httpFailure(error.reason) : error
}
