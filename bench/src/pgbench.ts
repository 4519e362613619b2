/** `pgbench`, which does only the SQL: a process of its own, as fast as a client can be. */
import { Effect, Redacted } from "effect"
import { writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runToEnd } from "./ChildProgram.ts"

/** Where it comes from. */
export const pgbenchProgram = { name: "pgbench", from: "it comes with Postgres; apt-get install postgresql-contrib" }

export interface PgbenchResult {
  readonly transactions: number
  readonly perSecond: number
  /** In milliseconds. */
  readonly latencyAverage: number
}

/** The numbers in its report; undefined when one is missing or a transaction failed. */
export const parsePgbench = (output: string): PgbenchResult | undefined => {
  const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1])
  const result = {
    transactions: number(/^number of transactions actually processed: (\d+)/m),
    perSecond: number(/^tps = ([\d.]+) \(without initial connection time\)/m),
    latencyAverage: number(/^latency average = ([\d.]+) ms/m)
  }
  const failed = number(/^number of failed transactions: (\d+)/m)
  return failed === 0 && Object.values(result).every((value) => value > 0) ? result : undefined
}

export interface PgbenchLoad {
  readonly url: Redacted.Redacted<string>
  /** The file of a script, whose statements are prepared once a connection. */
  readonly script: string
  readonly variables: Readonly<Record<string, string | number>>
  readonly clients: number
  readonly seconds: number
}

/** The file of a script, for as long as the scope lives. */
export const writeScript = (text: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "hogsend-pgbench-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    ),
    (folder) => {
      const file = join(folder, "script.sql")
      writeFileSync(file, text)
      return file
    }
  )

/** Puts the load on. */
export const runPgbench = Effect.fnUntraced(function* ({ clients, script, seconds, url, variables }: PgbenchLoad) {
  const defined = Object.entries(variables).flatMap(([name, value]) => ["-D", `${name}=${value}`])
  const options = ["-n", "-M", "prepared", "-j", "1", "-c", String(clients), "-T", String(seconds), "-f", script]
  const output = yield* runToEnd("pgbench", [...options, ...defined, Redacted.value(url)])
  const result = parsePgbench(output)
  return result ?? (yield* Effect.fail(new Error(`pgbench did not do all that it was told: ${output}`)))
})
