/** `npm run bench -- NAME`: runs one bench, prints its table, keeps its numbers. The list of benches stands here. */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import type { Bench } from "./Bench.ts"
import { deliver } from "./deliver.ts"
import { gate } from "./gate.ts"
import { ingest } from "./ingest.ts"
import { ingestBatch } from "./ingestBatch.ts"
import { ingestEndpoints } from "./ingestEndpoints.ts"
import { publish } from "./publish.ts"
import { resolve } from "./resolve.ts"
import { start } from "./start.ts"

const benches = new Map<string, Bench>([
  ["deliver", deliver],
  ["gate", gate],
  ["ingest", ingest],
  ["ingest-batch", ingestBatch],
  ["ingest-endpoints", ingestEndpoints],
  ["resolve", resolve],
  ["start", start]
])

const list = Effect.gen(function* () {
  yield* Console.error("Say which bench to run: npm run bench -- NAME")
  for (const [name, { description }] of benches) yield* Console.error(`  ${name.padEnd(18)}${description}`)
  process.exitCode = 1
})

const name = process.argv[2] ?? ""
const bench = benches.get(name)

NodeRuntime.runMain(bench === undefined ? list : Effect.flatMap(bench.run, (report) => publish(name, report)))
