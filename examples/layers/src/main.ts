/** The shop as a server: one process, one Postgres. */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Hogsend } from "@hogsend/engine"
import { migrated, NodeEgressTransport } from "@hogsend/node"
import { Config, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { Shop } from "./Shop.ts"

// #region server
const Server = Layer.unwrap(
  Effect.gen(function* () {
    const port = yield* Config.Int("PORT").pipe(Config.withDefault(3000))
    const url = yield* Config.Redacted("DATABASE_URL")
    const secret = yield* Config.Redacted("BETTER_AUTH_SECRET")

    return HttpRouter.serve(Shop.routes).pipe(
      Layer.provide([Hogsend.privacy, NodeHttpServer.layer(createServer, { port })]),
      Layer.provide(Shop.services),
      Layer.provide(Shop.engine({ userTokens: { secrets: [secret] } })),
      Layer.provide([migrated({ migrate: "auto" }), NodeEgressTransport.layer()]),
      Layer.provide(PgClient.layer({ url, maxConnections: 10 }))
    )
  })
)

NodeRuntime.runMain(Layer.launch(Server))
// #endregion
