/**
 * How telemetry leaves for its collector: each request has a time to end, its answer's body included, and that the collector
 * does not take what it is sent is said once, until it takes all of it again.
 */
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest } from "effect/http"

export interface CollectorClientOptions {
  /** The collector's, for the log. */
  readonly origin: string
  /** In milliseconds. */
  readonly timeout: number
}

export const collectorClient = ({ origin, timeout }: CollectorClientOptions) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => {
      /** The signals that it did not take when they were sent last. */
      const refused = new Set<string>()

      const took = (signal: string) =>
        Effect.suspend(() =>
          refused.delete(signal) && refused.size === 0
            ? Effect.logInfo(`The collector at ${origin} takes traces, logs and metrics again`)
            : Effect.void
        )
      const refuses = (signal: string, why: string) =>
        Effect.suspend(() => {
          const isFirst = refused.size === 0
          refused.add(signal)
          return isFirst
            ? Effect.logWarning(
                `The collector at ${origin} does not take ${signal}: ${why}. What it does not take is left out`
              )
            : Effect.void
        })

      return HttpClient.transform(client, (sending, request) =>
        sending.pipe(
          Effect.tap((response) => response.arrayBuffer),
          Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(late(request)) }),
          Effect.tap(({ status }) =>
            status < 400 ? took(signalOf(request)) : refuses(signalOf(request), `it answered ${status}`)
          ),
          Effect.tapError(({ reason }) =>
            refuses(
              signalOf(request),
              "description" in reason && reason.description === tooLate ? tooLate : unreachable
            )
          )
        )
      )
    })
  )

const tooLate = "it did not answer in time"

const unreachable = "it cannot be reached"

const late = (request: HttpClientRequest.HttpClientRequest) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, description: tooLate })
  })

/** `traces`, `logs` or `metrics`. */
const signalOf = ({ url }: HttpClientRequest.HttpClientRequest): string => url.slice(url.lastIndexOf("/") + 1)
