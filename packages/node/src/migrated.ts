/** The schema brought up to date before an engine runs on it, or a start that is refused. */
import type { DatabaseUnavailable } from "@hogsend/core"
import { type Migration, MigrationFailed, Migrations } from "@hogsend/engine"
import { Effect, Layer } from "effect"

/** Which migrations a start applies. */
export interface MigratedOptions {
  /** `auto` migrates the engine's track at the start, `manual` refuses to start behind it. */
  readonly migrate: "auto" | "manual"
  /** The host app's own track: applied by `npm run migrate`, reported by `/v1/health`. */
  readonly clientMigrations?: ReadonlyArray<Migration>
}

/** The `Migrations`, and what an engine over them may rely on: its own track is applied. */
export const migrated = ({ clientMigrations, migrate }: MigratedOptions) =>
  Layer.provideMerge(Layer.effectDiscard(bringUpToDate(migrate)), Migrations.layer({ client: clientMigrations ?? [] }))

export const bringUpToDate = (
  migrate: "auto" | "manual"
): Effect.Effect<void, MigrationFailed | DatabaseUnavailable, Migrations> =>
  Effect.gen(function* () {
    const migrations = yield* Migrations
    const { engine } = yield* migrations.status
    if (engine.unknown.length > 0) {
      yield* Effect.logWarning(`The database is ahead of this version: it has ${engine.unknown.join(", ")}`)
    }
    if (engine.pending.length === 0 && engine.changed.length === 0) return
    if (migrate === "auto") return yield* Effect.asVoid(migrations.run(["engine"]))
    return yield* new MigrationFailed({
      migration: `engine/${engine.pending[0] ?? engine.changed[0] ?? ""}`,
      error: "HOGSEND_MIGRATE is manual and the schema is not up to date; run npm run migrate, or client.migrate()"
    })
  })
