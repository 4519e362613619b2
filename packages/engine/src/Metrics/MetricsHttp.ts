/** `GET /metrics` for Prometheus: behind a token of its own, else behind a full-admin key. */
import { Access } from "@hogsend/core"
import { Effect, Layer, Option, Redacted } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { toEnvelope } from "../HttpEdge.ts"
import { bearerOf, KeyGate, originFactsOf } from "../KeyGate.ts"
import { Metrics } from "../Metrics.ts"
import { isSameDigest, sha256Hex } from "../SyncCrypto.ts"

export interface MetricsOptions {
  /** A bearer that opens `/metrics` and nothing else. None, or an empty one: it takes a full-admin key. */
  readonly token?: Redacted.Redacted<string> | undefined
}

/** What is answered, to whoever may read it. */
export const metricsAnswer = Effect.map(Metrics.text, (text) =>
  HttpServerResponse.text(text, {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    headers: { "cache-control": "no-store" }
  })
)

export const MetricsHttp = ({ token }: MetricsOptions = {}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const router = yield* HttpRouter.HttpRouter
      const gate = yield* KeyGate
      const registry = yield* Effect.context<never>()
      // Whoever shows no bearer shows an empty one.
      const tokenHash =
        token === undefined || Redacted.value(token) === "" ? undefined : sha256Hex(Redacted.value(token))

      const authorize = (request: HttpServerRequest.HttpServerRequest) => {
        const bearer = bearerOf(request.headers)
        if (tokenHash !== undefined && isSameDigest(sha256Hex(Redacted.value(bearer)), tokenHash)) return Effect.void
        const origin = originFactsOf(request, Option.getOrUndefined(request.remoteAddress))
        return gate.authorize(bearer, Access.secret("full-admin"), origin)
      }

      yield* router.add(
        "GET",
        "/metrics",
        Effect.gen(function* () {
          yield* authorize(yield* HttpServerRequest.HttpServerRequest)
          return yield* Effect.provideContext(metricsAnswer, registry)
        }).pipe(Effect.catch((refusal) => Effect.succeed(toEnvelope(refusal))))
      )
    })
  )
