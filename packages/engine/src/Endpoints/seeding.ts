/**
 * The endpoints that the configuration makes, each known by its seed: one, whoever starts at the same time, and as the last
 * start wants it. What an operator changed is kept as far as who asks for it keeps it; that they disabled it always is.
 */
import type { PgClient } from "@effect/sql-pg"
import { endpointDisabledBy, type Properties } from "@hogsend/core"
import { Effect, Equal } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { oneRow, orUnavailable } from "../Database.ts"
import { newId } from "../newId.ts"
import type { EndpointSeals } from "./endpointSeals.ts"
import type { EndpointSettings, EndpointsRepo } from "./EndpointsRepo.ts"

/** An endpoint that the configuration makes. */
export interface SeededEndpoint extends Pick<EndpointSettings, "kind" | "description" | "eventTypes" | "ordering"> {
  readonly config: Properties | null
}

export const makeSeeding = (
  sql: PgClient.PgClient,
  repo: EndpointsRepo,
  seals: EndpointSeals,
  /** Part of the transaction of the change. */
  changed: (id: string, action: `webhooks.${string}`) => Effect.Effect<void, SqlError>
) => ({
  keep: Effect.fn("Endpoints.keep")(
    function* (seed: string, wanted: (was: SeededEndpoint | null) => SeededEndpoint) {
      const [id, first] = [newId(), wanted(null)]
      const planted = yield* repo.plant(id, seed, { ...first, url: null, ...seals.sealConfig(id, first.config) })
      if (planted.length > 0) return yield* changed(id, "webhooks.create")
      const row = yield* Effect.flatMap(repo.findPlanted(seed), oneRow)
      const config = row.config === null ? null : yield* Effect.orDie(seals.openConfig(row.id, row.config))
      const now = wanted({ ...row, config })
      // Sealed anew it would differ though it is the same.
      const sealed = Equal.equals(now.config, config) ? row : seals.sealConfig(row.id, now.config)
      const next = { ...row, ...now, config: sealed.config, configNames: sealed.configNames }
      const returns = row.disabledReason === endpointDisabledBy.configuration
      if (Equal.equals(next, row) && !returns) return
      yield* repo.update(row.id, next)
      if (returns) yield* repo.enable(row.id)
      yield* changed(row.id, "webhooks.edit")
    },
    sql.withTransaction,
    orUnavailable
  ),
  retire: Effect.fn("Endpoints.retire")(
    function* (seed: string) {
      const [row] = yield* repo.findPlanted(seed)
      const [retired] = row === undefined ? [] : yield* repo.disable(row.id, endpointDisabledBy.configuration)
      if (retired !== undefined) yield* changed(retired.id, "webhooks.disable")
    },
    sql.withTransaction,
    orUnavailable
  )
})
