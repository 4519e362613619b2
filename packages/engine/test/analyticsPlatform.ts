/** An analytics platform that takes whatever it is told, and that can at any time what a test says that it can. */
import { type AnalyticsCapabilities, AnalyticsProvider } from "@hogsend/core"
import { Effect, Layer } from "effect"
import { AnalyticsProviders } from "../src/AnalyticsProviders.ts"

/** No platform. */
export const nobody = Layer.succeed(AnalyticsProvider, AnalyticsProviders.none)

type Capabilities = AnalyticsCapabilities & { readonly deletePerson: boolean }

const everything: Capabilities = {
  personReads: true,
  personWrites: true,
  identityMerge: true,
  groups: true,
  deletePerson: true
}

export const makePlatform = (first: Partial<Capabilities> = {}) => {
  let can = { ...everything, ...first }
  const layer = Layer.succeed(
    AnalyticsProvider,
    AnalyticsProvider.of({
      meta: { id: "platform", name: "A platform" },
      get capabilities() {
        return can
      },
      project: "",
      readPerson: () => Effect.succeed({ _tag: "PersonNotFound" }),
      capture: () => Effect.void,
      deliver: () => Effect.void
    })
  )
  return { layer, can: (some: Partial<Capabilities>) => Effect.sync(() => (can = { ...can, ...some })) }
}
