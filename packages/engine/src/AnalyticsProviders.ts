/**
 * The analytics providers that a host app brings, and which of them is the active one: that is the `AnalyticsProvider`
 * service, which is always there. Where nothing is configured it is `none`: reads fail with `no-credential`, writes and
 * captures do nothing.
 *
 * All that were brought are opened with the server and shut down with it; only the active one is asked for anything. One that
 * does not open in time is left out, and no other one takes its place.
 */
import {
  type AdaptProviderOptions,
  type AnalyticsMeta,
  AnalyticsProvider,
  type AnalyticsProviderDefinition,
  PersonReadUnavailable,
  providerLayer
} from "@hogsend/core"
import { Array as Arr, Context, Effect, Layer, Option, Schema, Scope } from "effect"
import { inTime } from "./AnalyticsProviders/inTime.ts"
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
  /** How long one that is a Layer may take to open, in milliseconds; the server starts without one that is late. 10000. */
  readonly openTimeout?: number
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

const layer = ({
  defaultProvider,
  openTimeout = 10_000,
  provider,
  providers = [],
  ...options
}: AnalyticsProvidersOptions = {}): Layer.Layer<AnalyticsProvider, AnalyticsProvidersInvalid, Installation> =>
  Layer.effect(
    AnalyticsProvider,
    Effect.gen(function* () {
      // Parallel: one that hangs at the end does not use up the time of another.
      const scope = yield* Effect.acquireRelease(Scope.make("parallel"), (scope, exit) => Scope.close(scope, exit))
      // A set, since the active one may stand among `providers`, too.
      const sources = new Set(provider === undefined ? providers : [provider, ...providers])
      const open = Effect.fnUntraced(function* (source: AnalyticsProviderSource) {
        const built = Layer.buildWithScope("meta" in source ? providerLayer(source, options) : source, scope)
        const opened = yield* Effect.mapError(inTime(built, openTimeout), ({ message }) => invalid(message))
        const name = source === provider ? "provider" : `providers[${providers.indexOf(source)}]`
        if (Option.isNone(opened)) yield* Effect.logWarning(isLate(name, openTimeout))
        return Option.map(opened, (context) => Context.get(context, AnalyticsProvider))
      })
      const ready = yield* Effect.forEach(sources, open)
      const active = yield* choose(ready, defaultProvider)
      if (active !== none && !active.capabilities.personWrites) yield* Effect.logWarning(writesOff(active.meta))
      return watched(marked(active, (yield* Installation).id))
    })
  )

const writesOff = ({ name, writesHint = "" }: AnalyticsMeta) =>
  `${name} is told nothing: what is captured is dropped, and no person is written, joined or grouped there. ${writesHint}`.trim()

const invalid = (error: string) => new AnalyticsProvidersInvalid({ error })

/** Named by its option: what it is called is not known before it is open. */
const isLate = (name: string, milliseconds: number) =>
  `The analytics provider of the option analytics.${name} did not open within ${milliseconds} ms. The server goes on without it until the next start.`

/** In the order in which they were brought; none is one that was late. */
const choose = Effect.fnUntraced(function* (ready: ReadonlyArray<Option.Option<Provider>>, asked: string | undefined) {
  const providers = Arr.getSomes(ready)
  const byId = new Map<string, Provider>()
  for (const provider of providers) {
    const { id } = provider.meta
    if (id === none.meta.id) return yield* invalid(`An analytics provider cannot have the id "${id}".`)
    if (byId.has(id)) return yield* invalid(`There are two analytics providers with the id "${id}".`)
    byId.set(id, provider)
  }
  if (asked === undefined) return ready[0] === undefined ? none : Option.getOrElse(ready[0], () => none)
  const found = byId.get(asked)
  if (found !== undefined) return found
  // It may be the one that was late.
  if (ready.some(Option.isNone)) return none
  const there = byId.size === 0 ? "None is configured." : `There are: ${[...byId.keys()].join(", ")}.`
  return yield* invalid(`There is no analytics provider "${asked}" (ANALYTICS_PROVIDER, defaultProvider). ${there}`)
})

/** Makes the `AnalyticsProvider` of the providers that a host brings: the active one, or one that does nothing. */
export const AnalyticsProviders = {
  /** The active one, for as long as the scope is open. */
  layer,
  /** Stands where nothing is configured. */
  none
}
