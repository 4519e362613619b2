/** Brings the empty template database to the state that every test database begins with: the engine's schema. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Migrations } from "@hogsend/engine"
import { Effect, Layer, Logger, type Redacted } from "effect"

export const prepareTemplate = ({ url }: { readonly url: Redacted.Redacted<string> }) =>
  Effect.flatMap(Migrations, (migrations) => migrations.run(["engine"])).pipe(
    Effect.provide(Layer.provide(Migrations.layer(), PgClient.layer({ url, maxConnections: 3 }))),
    Effect.provide(Logger.layer([]))
  )
