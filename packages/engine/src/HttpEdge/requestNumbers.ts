/** Counts requests: by their method, the pattern of their route, and the status that they are answered with. */
import { Effect } from "effect"
import { Metrics } from "../Metrics.ts"

export interface Counted {
  readonly method: string
  /** Undefined: nothing is served there, whatever was asked for. */
  readonly pattern: string | undefined
  readonly status: number
  /** When its head was read, in milliseconds of a clock that does not go back. */
  readonly startedAt: number
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

export const makeCountRequest = Effect.gen(function* () {
  const requests = yield* Metrics.counter("hogsend_http_requests_total")
  const durations = yield* Metrics.histogram("hogsend_http_request_duration_seconds")
  return ({ method: sent, pattern: route = "none", startedAt, status }: Counted): void => {
    const method = methods.includes(sent) ? sent : "other"
    requests(method, route, String(status))(1)
    durations(method, route)((monotonicMillis() - startedAt) / 1000)
  }
})

export const monotonicMillis = (): number => performance.now()

/** What a client that hung up is counted as: nobody was answered. */
export const hungUp = 499
