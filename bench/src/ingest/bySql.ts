/** pgbench as a contender: it runs a script against the database itself, a transaction for one event or for several. */
import { Effect, type Redacted } from "effect"
import type { Contender } from "../Contender.ts"
import { runPgbench, writeScript } from "../pgbench.ts"

export interface SqlLoad {
  readonly script: string
  readonly variables: Readonly<Record<string, string>>
  readonly clients: number
  readonly eventsPerTransaction: number
}

export const bySql = Effect.fnUntraced(function* (
  url: Redacted.Redacted<string>,
  { clients, eventsPerTransaction, script, variables }: SqlLoad
) {
  const file = yield* writeScript(script)
  const contender: Contender = {
    name: `pgbench, ${clients} clients`,
    url,
    pid: undefined,
    underWay: 0,
    load: ({ seconds }) =>
      Effect.map(
        runPgbench({ url, script: file, variables, clients, seconds }),
        ({ latencyAverage, perSecond, transactions }) => ({
          events: transactions * eventsPerTransaction,
          seconds: transactions / perSecond,
          latencyAverage
        })
      )
  }
  return contender
})
