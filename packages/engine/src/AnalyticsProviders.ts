/** The analytics provider of an engine that has none. */
import { AnalyticsProvider, PersonReadUnavailable } from "@hogsend/core"
import { Effect, Layer } from "effect"

const error = "No analytics provider is configured."

export const AnalyticsProviders = {
  /** Can do nothing: reads fail, and what it is told is gone. */
  none: Layer.succeed(
    AnalyticsProvider,
    AnalyticsProvider.of({
      meta: { id: "none", name: "None" },
      capabilities: { personReads: false, personWrites: false },
      project: "",
      readPerson: () => Effect.fail(new PersonReadUnavailable({ reason: "no-credential", error })),
      capture: () => Effect.void,
      deliver: () => Effect.void
    })
  )
}
