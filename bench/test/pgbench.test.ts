import { expect, it } from "vitest"
import { parsePgbench } from "../src/pgbench.ts"

const report = (failed: string) => `pgbench (15.18 (Debian 15.18-0+deb12u1), server 18.4)
transaction type: script.sql
scaling factor: 1
query mode: prepared
number of clients: 32
number of threads: 1
maximum number of tries: 1
duration: 8 s
number of transactions actually processed: 52114
${failed}
latency average = 4.911 ms
initial connection time = 41.022 ms
tps = 6515.470221 (without initial connection time)
`

it("what pgbench counted, without the time that it took to connect", () => {
  expect(parsePgbench(report("number of failed transactions: 0 (0.000%)"))).toEqual({
    transactions: 52114,
    perSecond: 6515.470221,
    latencyAverage: 4.911
  })
})

it("a run in which a transaction failed, or that does not say so, has no result", () => {
  expect(parsePgbench(report("number of failed transactions: 3 (0.006%)"))).toBeUndefined()
  expect(parsePgbench(report(""))).toBeUndefined()
  expect(parsePgbench("pgbench: error: client 0 aborted")).toBeUndefined()
})
