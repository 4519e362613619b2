/** Counts requests: by their method, the pattern of their route, and the status that they are answered with. */
import { Effect } from "effect"
import { Metrics } from "../Metrics.ts"

export interface Answered {
  readonly method: string
  /** Undefined: nothing is served there, whatever was asked for. */
  readonly pattern: string | undefined
  readonly status: number
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

/** Answers how requests of one kind are counted, each with when its head was read (`monotonicMillis`). */
export const makeCountRequests = Effect.gen(function* () {
  const requests = yield* Metrics.counter("hogsend_http_requests_total")
  const durations = yield* Metrics.histogram("hogsend_http_request_duration_seconds")
  return ({ method: sent, pattern: route = "none", status }: Answered) => {
    const method = methods.includes(sent) ? sent : "other"
    const [one, duration] = [requests(method, route, String(status)), durations(method, route)]
    return (startedAt: number): void => {
      one(1)
      duration((monotonicMillis() - startedAt) / 1000)
    }
  }
})

/** Of a clock that does not go back. */
export const monotonicMillis = (): number => performance.now()

/** What a client that hung up is counted as: nobody was answered. */
export const hungUp = 499
