/** Logs and traces of the process: pretty or one JSON line an entry, from a level on; OTLP when an endpoint is named. */
import { Layer, Logger, References } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp } from "effect/observability"

export interface ObservabilityOptions {
  readonly logLevel: "debug" | "info" | "warn" | "error"
  readonly logFormat: "pretty" | "json"
  /** For example `http://localhost:4318`: traces, logs and metrics go there as OTLP over HTTP with JSON. */
  readonly otlpEndpoint: string | undefined
}

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

export const Observability = {
  layer: ({ logFormat, logLevel, otlpEndpoint }: ObservabilityOptions) => {
    const terminal = Layer.merge(
      Logger.layer([logFormat === "json" ? Logger.consoleJson : Logger.consolePretty()]),
      Layer.succeed(References.MinimumLogLevel, levels[logLevel])
    )
    if (otlpEndpoint === undefined) return terminal
    const otlp = Otlp.layerJson({ baseUrl: otlpEndpoint, resource: { serviceName: "hogsend" } })
    // Over the terminal's, so that its logger joins that one instead of taking its place.
    return Layer.provideMerge(Layer.provide(otlp, FetchHttpClient.layer), terminal)
  }
}
