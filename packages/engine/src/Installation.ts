/**
 * This installation of Hogsend, whatever processes it runs in: an id that its migration made and that never changes. What is
 * sent to an analytics platform carries it, so that what the platform forwards is known as ours.
 */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { oneRow, orUnavailable } from "./Database.ts"

/** The id of this installation, which all of its processes share and which never changes. */
export class Installation extends Context.Service<Installation, { readonly id: string }>()("engine/Installation") {
  /** Reads it once. */
  static readonly layer = Layer.effect(
    Installation,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      return Installation.of(
        yield* orUnavailable(Effect.flatMap(sql<{ id: string }>`select id from hogsend.installation`, oneRow))
      )
    })
  )
}
