/** A server of events as a contender: wrk puts the load on, over so many connections, one by one or in batches. */
import { Effect, type Redacted } from "effect"
import type { Contender } from "../Contender.ts"
import type { Target } from "../HogsendProgram.ts"
import { runWrk } from "../wrk.ts"
import { wrkArgs, wrkScript } from "./traffic.ts"

export interface HttpLoad {
  readonly connections: number
  /** Events in a request to `/v1/events/batch`; undefined for one in a request to `/v1/events`. */
  readonly batch?: number
}

export const overHttp = (
  name: string,
  url: Redacted.Redacted<string>,
  target: Target,
  { batch, connections }: HttpLoad
): Contender => ({
  name,
  url,
  pid: target.pid,
  underWay: connections * (batch ?? 1),
  load: ({ seconds, seed }) =>
    Effect.map(
      runWrk({
        target,
        path: batch === undefined ? "/v1/events" : "/v1/events/batch",
        script: wrkScript,
        args: wrkArgs(`new_${seed}`, seed, batch ?? 0),
        connections,
        seconds
      }),
      ({ p50, p99, requests, seconds }) => ({ events: requests * (batch ?? 1), seconds, p50, p99 })
    )
})
