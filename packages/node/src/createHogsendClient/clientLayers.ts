/** What a client is made of, from its options. Nothing is read or opened before one of these is built. */
import { Hogsend, Migrations } from "@hogsend/engine"
import { Effect, Layer } from "effect"
import { bringUpToDate } from "../migrated.ts"
import { NodeEgressTransport } from "../NodeEgressTransport.ts"
import { Observability } from "../Observability.ts"
import { Postgres } from "../Postgres.ts"
import { readMigrations } from "../readMigrations.ts"
import { ClientSecrets } from "./ClientSecrets.ts"
import { ClientSettings } from "./ClientSettings.ts"
import { engineOptions } from "./engineOptions.ts"
import type { HogsendClientOptions } from "./HogsendClientOptions.ts"
import type { InFlight } from "./InFlight.ts"
import { Mount } from "./Mount.ts"

export const clientLayers = (options: HogsendClientOptions) => {
  const settings = ClientSettings.layer(options)
  const observed = Layer.unwrap(
    Effect.map(ClientSettings, ({ production }) =>
      Observability.layer({
        logLevel: options.logLevel ?? "info",
        logFormat: options.logFormat ?? (production ? "json" : "pretty"),
        otlpEndpoint: undefined
      })
    )
  )
  const foundation = Layer.unwrap(
    Effect.map(ClientSettings, ({ maxConnections, ...database }) =>
      Postgres.layer({ ...database, poolMax: maxConnections })
    )
  ).pipe(Layer.provideMerge(observed), Layer.provideMerge(settings))
  const migrations = Layer.unwrap(
    Effect.map(readMigrations(options.clientMigrations), (client) => Migrations.layer({ client }))
  ).pipe(Layer.provideMerge(foundation))

  const engine = (inFlight: InFlight) =>
    Layer.unwrap(
      Effect.gen(function* () {
        const engine = engineOptions(options, yield* ClientSettings, yield* ClientSecrets)
        return Layer.provideMerge(Mount.layer({ ...engine, inFlight }), Hogsend.layer(engine))
      })
    ).pipe(
      Layer.provide(NodeEgressTransport.layer()),
      Layer.provideMerge(ClientSecrets.layer),
      Layer.provideMerge(Layer.effectDiscard(bringUpToDate(options.migrate ?? "auto"))),
      Layer.provideMerge(migrations)
    )

  return { settings, migrations, engine }
}
