/**
 * The endpoint that stands for the analytics provider: what the provider must be told for certain waits, is tried again and is
 * seen by operators as what goes to any other endpoint.
 *
 * A start makes it, or keeps it, while the active provider takes writes. When none is configured any more it stays, with what
 * waits for it.
 */
import { analyticsMessageNames, AnalyticsProvider } from "@hogsend/core"
import { Effect, Layer } from "effect"
import { analyticsKind } from "./Destinations.ts"
import { Endpoints } from "./Endpoints.ts"

export const AnalyticsEndpoint = {
  layer: Layer.effectDiscard(
    Effect.gen(function* () {
      const { capabilities, meta } = yield* AnalyticsProvider
      if (!capabilities.personWrites) return
      const { keep } = yield* Endpoints
      yield* keep(analyticsKind, () => ({
        kind: analyticsKind,
        description: `The analytics provider: ${meta.name}.`,
        eventTypes: analyticsMessageNames,
        ordering: "contact",
        config: null
      }))
    })
  )
}
