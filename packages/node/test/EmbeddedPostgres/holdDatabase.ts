// A process that uses the embedded database of the folder it is given, says so on one line, and stays until it is told
// to end.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { EmbeddedPostgres } from "../../src/EmbeddedPostgres.ts"

Effect.gen(function* () {
  const { adopted, clientConfig } = yield* EmbeddedPostgres
  yield* Console.log(JSON.stringify({ adopted, clientConfig }))
  return yield* Effect.never
}).pipe(Effect.provide(EmbeddedPostgres.layer({ dataDirectory: process.argv[2] ?? "" })), NodeRuntime.runMain)
