/** `npm run migrate`: applies what is pending of both tracks, the engine's first, and says what it did. */
import { NodeRuntime } from "@effect/platform-node"
import { Observability, orExplain, Postgres, readEnvironment, runMigrations } from "@hogsend/node"
import { Console, Effect } from "effect"

const main = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.env.INIT_CWD ?? process.cwd())
  const { applied, outOfOrder, renamed, unknown } = yield* runMigrations(environment).pipe(
    Effect.provide(Postgres.layer(environment)),
    Effect.provide(Observability.layer({ ...environment, logLevel: "warn" }))
  )
  for (const { from, to } of renamed)
    yield* Console.log(`${to} has the content of ${from}: applied under its old name.`)
  yield* Console.log(applied.length === 0 ? "Both tracks are up to date." : `Migrated ${applied.join(", ")}.`)
  for (const name of outOfOrder) yield* Console.log(`${name} came late: what stands after it was applied before it.`)
  for (const name of unknown) yield* Console.log(`${name} was applied and is not here: deleted, or of a newer version.`)
}).pipe(orExplain)

NodeRuntime.runMain(main)
