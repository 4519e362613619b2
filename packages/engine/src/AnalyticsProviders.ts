/** The analytics provider of an engine that has none. */
import { AnalyticsProvider, PersonReadUnavailable } from "@hogsend/core"
import { Effect, Layer } from "effect"

const none = AnalyticsProvider.of({
  meta: { id: "none", name: "none" },
  project: "",
  capabilities: { personReads: false, personWrites: false },
  readPerson: () =>
    Effect.fail(new PersonReadUnavailable({ reason: "no-credential", error: "No analytics provider is configured." })),
  capture: () => Effect.void,
  deliver: () => Effect.void
})

export const AnalyticsProviders = {
  layer: () => Layer.succeed(AnalyticsProvider, none),
  /** Stands where nothing is configured. */
  none
}
