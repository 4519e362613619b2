/** What `hogsend migrate` does. */
import { orExplain, Postgres, readEnvironment, runMigrations } from "@hogsend/node"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { note, printResult } from "./output.ts"
import { environmentWithDotEnv } from "./readEnv.ts"

/** Each migration is told when it has been applied, while the next one runs. */
const progress = Logger.layer([Logger.make(({ message }) => console.error(String(message)))])

export const runMigrate = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.cwd())
  const report = yield* Effect.provide(runMigrations(environment), [Postgres.layer(environment), progress])
  yield* printResult(report, ({ applied }) =>
    applied.length === 0 ? "Both tracks are up to date." : `Migrated ${applied.join(", ")}.`
  )
  const { outOfOrder, renamed, unknown } = report
  for (const { from, to } of renamed) yield* note(`${to} has the content of ${from}: applied under its old name.`)
  for (const name of outOfOrder) yield* note(`${name} came late: what stands after it was applied before it.`)
  for (const name of unknown) yield* note(`${name} was applied and is not here: deleted, or of a newer version.`)
}).pipe(orExplain, Effect.provideServiceEffect(ConfigProvider.ConfigProvider, environmentWithDotEnv()))
