/** `npm run migrate`: applies what is pending of both tracks, the engine's first, and says what it did. */
import { NodeRuntime } from "@effect/platform-node"
import { Migrations } from "@hogsend/engine"
import { Observability, orExplain, Postgres, readEnvironment, readMigrations } from "@hogsend/node"
import { Console, Effect, Layer } from "effect"

const main = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.env.INIT_CWD ?? process.cwd())
  const client = yield* readMigrations(environment.clientMigrations)
  const run = Effect.gen(function* () {
    const migrations = yield* Migrations
    const done = yield* migrations.run(["engine", "client"])
    yield* Console.log(done.length === 0 ? "Both tracks are up to date." : `Migrated ${done.join(", ")}.`)
  })
  return yield* run.pipe(
    Effect.provide(
      Migrations.layer({ client }).pipe(
        Layer.provide(Postgres.layer(environment)),
        Layer.provideMerge(Observability.layer({ ...environment, logLevel: "warn" }))
      )
    )
  )
}).pipe(orExplain)

NodeRuntime.runMain(main)
