/**
 * Logs, traces and metrics of the process: pretty or one JSON line an entry, from a level on; OTLP when an endpoint is named.
 *
 * A collector that is down, slow or refuses costs nobody anything: what it does not take is left out, and that is said once,
 * as it is when it takes everything again. Nothing that is somebody's leaves by these ways (`Hogsend.privacy`).
 */
import { Hogsend } from "@hogsend/engine"
import { Layer, Logger, Metric, Redacted, References } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp } from "effect/observability"
import { collectorClient } from "./Observability/collectorClient.ts"

export interface ObservabilityOptions {
  readonly logLevel: "debug" | "info" | "warn" | "error"
  readonly logFormat: "pretty" | "json"
  /** For example `http://localhost:4318`: traces, logs and metrics go there as OTLP over HTTP with JSON. */
  readonly otlpEndpoint: string | undefined
  /** What the collector asks for beside: its key, as a rule. */
  readonly otlpHeaders?: Redacted.Redacted<Readonly<Record<string, string>>> | undefined
  /** How long the collector may take, in milliseconds. 10000. */
  readonly otlpTimeout?: number
  /** How often it is told, in milliseconds. Logs 1000, traces 5000, metrics 10000. */
  readonly otlpInterval?: number
}

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/** Logs, traces and metrics of the process, as its environment says. */
export const Observability = {
  /** Also provides the registry that everything under it counts in. */
  layer: ({ logFormat, logLevel, otlpEndpoint, ...otlp }: ObservabilityOptions) => {
    const terminal = Layer.mergeAll(
      Logger.layer([logFormat === "json" ? Logger.consoleJson : Logger.consolePretty()]),
      Layer.succeed(References.MinimumLogLevel, levels[logLevel]),
      Layer.sync(Metric.MetricRegistry, () => new Map())
    )
    // Over the terminal's, so that its logger joins that one instead of taking its place.
    const all = otlpEndpoint === undefined ? terminal : Layer.provideMerge(exported(otlpEndpoint, otlp), terminal)
    return Layer.provideMerge(Hogsend.privacy, all)
  }
}

const exported = (
  baseUrl: string,
  {
    otlpHeaders,
    otlpInterval,
    otlpTimeout = 10_000
  }: Omit<ObservabilityOptions, "logFormat" | "logLevel" | "otlpEndpoint">
) =>
  Otlp.layerJson({
    baseUrl,
    headers: otlpHeaders === undefined ? undefined : Redacted.value(otlpHeaders),
    resource: { serviceName: "hogsend" },
    loggerExportInterval: otlpInterval,
    metricsExportInterval: otlpInterval,
    tracerExportInterval: otlpInterval,
    shutdownTimeout: 1000
  }).pipe(
    Layer.provide(collectorClient({ origin: new URL(baseUrl).origin, timeout: otlpTimeout })),
    Layer.provide(FetchHttpClient.layer)
  )
