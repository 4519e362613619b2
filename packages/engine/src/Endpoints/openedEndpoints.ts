/** Endpoints opened for deliveries, remembered for a moment: a batch of them asks the database once. */
import type { DatabaseUnavailable, EndpointOrdering, Properties } from "@hogsend/core"
import { Cache, Duration, Effect, Exit } from "effect"
import { orUnavailable } from "../Database.ts"
import type { SealBroken, SealingKeyMissing } from "../Sealing.ts"
import type { EndpointSeals } from "./endpointSeals.ts"
import type { EndpointsRepo } from "./EndpointsRepo.ts"

/** An endpoint opened for a delivery. Never to be logged. */
export interface OpenedEndpoint {
  readonly id: string
  readonly kind: string
  readonly url: string | null
  readonly config: Properties
  readonly ordering: EndpointOrdering
  readonly disabled: boolean
  /** The current one and, in its grace, the one before it. */
  readonly secrets: ReadonlyArray<string>
}

/** It was sealed by a process with a newer secret than ours, or is damaged. */
export type EndpointSealed = SealBroken | SealingKeyMissing

export const makeOpenedEndpoints = Effect.fnUntraced(function* (
  repo: EndpointsRepo,
  seals: EndpointSeals,
  { capacity, ttl }: { readonly capacity: number; readonly ttl: number }
) {
  const open = Effect.fnUntraced(function* (
    id: string
  ): Effect.fn.Return<OpenedEndpoint | null, EndpointSealed | DatabaseUnavailable> {
    const [row] = yield* orUnavailable(repo.find(id))
    if (row === undefined) return null
    const { kind, ordering, previousSecret, secret, url } = row
    return {
      id,
      kind,
      url,
      config: yield* seals.openConfig(id, row.config),
      ordering,
      disabled: row.disabledAt !== null,
      secrets: [
        ...(secret === null ? [] : [yield* seals.open(id, "secret", secret)]),
        ...(previousSecret === null ? [] : [yield* seals.open(id, "previousSecret", previousSecret)])
      ]
    }
  })

  const memory = yield* Cache.makeWith(open, {
    capacity,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.millis(ttl) : Duration.zero)
  })
  return {
    find: (id: string) => Cache.get(memory, id),
    forget: (id: string) => Cache.invalidate(memory, id)
  }
})
