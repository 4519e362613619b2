/**
 * The analytics providers that a host app brings, and which of them is the active one: that is the `AnalyticsProvider`
 * service, which is always there. Where nothing is configured it is `none`: reads fail with `no-credential`, writes and
 * captures do nothing.
 *
 * All that were brought are opened with the server and shut down with it; only the active one is asked for anything.
 */
import {
  type AdaptProviderOptions,
  type AnalyticsMeta,
  AnalyticsProvider,
  type AnalyticsProviderDefinition,
  PersonReadUnavailable,
  providerLayer
} from "@hogsend/core"
import { Context, Effect, Layer, Schema, Scope } from "effect"
import { marked } from "./AnalyticsProviders/marked.ts"
import { watched } from "./AnalyticsProviders/watched.ts"
import { Installation } from "./Installation.ts"

/** As `defineAnalyticsProvider` takes it, or as a Layer of the service, whose error's message is what a start says. */
export type AnalyticsProviderSource = AnalyticsProviderDefinition | Layer.Layer<AnalyticsProvider, Error>

/** Those of the definitions; a Layer keeps its own limits. */
export interface AnalyticsProvidersOptions extends AdaptProviderOptions {
  /** The active one, unless `defaultProvider` names another. */
  readonly provider?: AnalyticsProviderSource | undefined
  /** More to choose from. The first one is active where there is no `provider`. */
  readonly providers?: ReadonlyArray<AnalyticsProviderSource> | undefined
  /** The id of the active one. */
  readonly defaultProvider?: string | undefined
}

/** A provider cannot be opened, or what is configured makes no sense together. */
export class AnalyticsProvidersInvalid extends Schema.TaggedError<AnalyticsProvidersInvalid>()(
  "AnalyticsProvidersInvalid",
  { error: Schema.String }
) {}

type Provider = AnalyticsProvider["Service"]

const none: Provider = AnalyticsProvider.of({
  meta: { id: "none", name: "none" },
  project: "",
  capabilities: { personReads: false, personWrites: false },
  readPerson: () =>
    Effect.fail(new PersonReadUnavailable({ reason: "no-credential", error: "No analytics provider is configured." })),
  capture: () => Effect.void,
  deliver: () => Effect.void
})

const layer = ({ defaultProvider, provider, providers = [], ...options }: AnalyticsProvidersOptions = {}): Layer.Layer<
  AnalyticsProvider,
  AnalyticsProvidersInvalid,
  Installation
> =>
  Layer.effect(
    AnalyticsProvider,
    Effect.gen(function* () {
      // Parallel: one that hangs at the end does not use up the time of another.
      const scope = yield* Effect.acquireRelease(Scope.make("parallel"), (scope, exit) => Scope.close(scope, exit))
      // A set, since the active one may stand among `providers`, too.
      const sources = new Set(provider === undefined ? providers : [provider, ...providers])
      const ready = yield* Effect.forEach(sources, (source) =>
        Effect.mapError(
          Layer.buildWithScope("meta" in source ? providerLayer(source, options) : source, scope),
          ({ message }) => invalid(message)
        )
      )
      const active = yield* choose(
        ready.map((context) => Context.get(context, AnalyticsProvider)),
        defaultProvider
      )
      if (active !== none && !active.capabilities.personWrites) yield* Effect.logWarning(writesOff(active.meta))
      return watched(marked(active, (yield* Installation).id))
    })
  )

const writesOff = ({ name, writesHint = "" }: AnalyticsMeta) =>
  `${name} is told nothing: what is captured is dropped, and no person is written, joined or grouped there. ${writesHint}`.trim()

const invalid = (error: string) => new AnalyticsProvidersInvalid({ error })

/** In the order in which they were brought. */
const choose = Effect.fnUntraced(function* (providers: ReadonlyArray<Provider>, asked: string | undefined) {
  const byId = new Map<string, Provider>()
  for (const provider of providers) {
    const { id } = provider.meta
    if (id === none.meta.id) return yield* invalid(`An analytics provider cannot have the id "${id}".`)
    if (byId.has(id)) return yield* invalid(`There are two analytics providers with the id "${id}".`)
    byId.set(id, provider)
  }
  if (asked === undefined) return providers[0] ?? none
  const found = byId.get(asked)
  if (found !== undefined) return found
  const there = byId.size === 0 ? "None is configured." : `There are: ${[...byId.keys()].join(", ")}.`
  return yield* invalid(`There is no analytics provider "${asked}" (ANALYTICS_PROVIDER, defaultProvider). ${there}`)
})

export const AnalyticsProviders = {
  /** The active one, for as long as the scope is open. */
  layer,
  /** Stands where nothing is configured. */
  none
}
