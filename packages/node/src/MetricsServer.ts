/**
 * `/metrics` on a port of its own, without a key: for a network that only your Prometheus is in. What it serves tells no
 * secret, and nobody's data; it answers nothing else.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Hogsend } from "@hogsend/engine"
import { Effect, Layer, Schema } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"

/** Where it listens. */
export interface MetricsServerOptions {
  readonly port: number
  readonly host: string
}

/** The port is taken, or the host is none of this machine. */
export class MetricsPortUnusable extends Schema.TaggedError<MetricsPortUnusable>()("MetricsPortUnusable", {
  error: Schema.String
}) {}

const app = Effect.gen(function* () {
  const { method, url } = yield* HttpServerRequest.HttpServerRequest
  if (url.split("?", 1)[0] !== "/metrics") return HttpServerResponse.empty({ status: 404 })
  if (method !== "GET" && method !== "HEAD") return HttpServerResponse.empty({ status: 405, headers: { allow: "GET" } })
  return yield* Hogsend.metrics
})

/** `/metrics` on a port of its own, without a key. */
export const MetricsServer = {
  /** Serves the numbers of the context's registry. */
  layer: ({ host, port }: MetricsServerOptions) =>
    Layer.effectDiscard(
      Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
        "port" in address
          ? Effect.logInfo(`Metrics are served at http://${host}:${address.port}/metrics, without a key`)
          : Effect.void
      )
    ).pipe(
      Layer.provide(HttpServer.serve(Effect.withTracerEnabled(app, false))),
      Layer.provide(NodeHttpServer.layer(() => createServer(), { host, port, gracefulShutdownTimeout: 0 })),
      Layer.catch(({ cause }) =>
        Layer.effectDiscard(Effect.fail(new MetricsPortUnusable({ error: why(port, host, cause) })))
      )
    )
}

const why = (port: number, host: string, cause: unknown): string => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  return code === "EADDRINUSE"
    ? `METRICS_PORT is ${port}, which another program uses; choose another, for example METRICS_PORT=9465`
    : `METRICS_PORT: nothing can listen on ${host}:${port} (${code}); for example METRICS_PORT=9464 METRICS_HOST=127.0.0.1`
}
