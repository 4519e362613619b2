/** `hogsend migrate`: brings the database up to date, Hogsend's own track and the host app's. */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"

export const migrate = Command.make("migrate", {}, () =>
  // The engine is loaded by whoever runs it, and by nobody who asks for help.
  Effect.flatMap(
    Effect.promise(() => import("./runMigrate.ts")),
    ({ runMigrate }) => runMigrate
  )
).pipe(
  Command.withDescription(
    "Apply the migrations that are pending: Hogsend's own, and then those of CLIENT_MIGRATIONS_FOLDER. The database is that of DATABASE_URL, else the embedded one of this folder; .env is read."
  ),
  Command.withShortDescription("Bring the database up to date"),
  Command.withExamples([
    { command: "DATABASE_URL=postgres://localhost/shop hogsend migrate" },
    { command: "hogsend migrate --json" }
  ])
)
