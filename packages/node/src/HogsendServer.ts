/**
 * Hogsend as a Node HTTP server: the schema brought up to date, the engine over a `PgClient`, its routes on a port.
 *
 * Closing the scope stops accepting, finishes what is in flight within 20 seconds, then closes the engine and the pool.
 */
import { NodeHttpServer } from "@effect/platform-node"
import type { DatabaseUnavailable } from "@hogsend/core"
import { Hogsend, type HogsendOptions, type Migration, MigrationFailed, Migrations } from "@hogsend/engine"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"

export interface HogsendServerOptions extends HogsendOptions {
  readonly port: number
  readonly host: string
  /** `auto` migrates the engine's track at the start, `manual` refuses to start behind it. */
  readonly migrate: "auto" | "manual"
  /** The host app's own track: applied by `npm run migrate`, reported by `/v1/health`. */
  readonly clientMigrations?: ReadonlyArray<Migration>
}

export const HogsendServer = {
  /** Answers the engine's services and the address that is served. */
  layer: (options: HogsendServerOptions) =>
    HttpRouter.serve(Hogsend.routes(options), { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provide(Hogsend.privacy),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: options.port, host: options.host })),
      Layer.provideMerge(Hogsend.layer(options)),
      Layer.provideMerge(migrated(options))
    )
}

const migrated = ({ clientMigrations, migrate }: HogsendServerOptions) =>
  Layer.provideMerge(Layer.effectDiscard(bringUpToDate(migrate)), Migrations.layer({ client: clientMigrations ?? [] }))

const bringUpToDate = (
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
      error: "HOGSEND_MIGRATE is manual and the schema is not up to date; run npm run migrate"
    })
  })
