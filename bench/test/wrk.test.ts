import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { parseWrk } from "../src/wrk.ts"

const counted = '{"requests":5724,"seconds":8.004512,"p50":10.91,"p99":24.5,"refused":0,"broken":0}'

const report = (line: string) => `Running 8s test @ http://127.0.0.1:41873/v1/events
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    11.02ms    3.71ms  47.10ms   81.20%
    Req/Sec     5.75k   398.20     6.41k    77.50%
  5724 requests in 8.00s, 1.20MB read
Requests/sec:    715.10
Transfer/sec:    153.62KB
${line}
`

it.effect("what wrk counted is the line that its script prints, below wrk's own report", () =>
  Effect.gen(function* () {
    expect(yield* parseWrk(report(counted))).toEqual({
      requests: 5724,
      seconds: 8.004512,
      p50: 10.91,
      p99: 24.5,
      refused: 0,
      broken: 0
    })
  })
)

it.effect("a script that printed nothing, or half of it, is a failure", () =>
  Effect.gen(function* () {
    for (const line of ["", '{"requests":5724,"seconds":8.0']) {
      expect(yield* Effect.exit(parseWrk(report(line)))).toMatchObject({ _tag: "Failure" })
    }
  })
)
