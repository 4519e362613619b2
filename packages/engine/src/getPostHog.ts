/**
 * The older way to the analytics provider, for code that has no service at hand: `getPostHog()?.identify(…)`, whatever the
 * provider is.
 *
 * It leads to the engine that was started last and has a provider. Calls are answered at once and never throw: a write is
 * durable when it is committed, an event is best effort, and what fails is logged. Nothing in the engine uses it.
 */
import { AnalyticsProvider, type AnalyticsEvent, type PersonProperties } from "@hogsend/core"
import { Cache, Effect, FiberSet, Layer } from "effect"
import { AnalyticsProviders } from "./AnalyticsProviders.ts"
import { IdentityResolver } from "./IdentityResolver.ts"
import { PersonReads } from "./PersonReads.ts"
import { PersonWrites } from "./PersonWrites.ts"

/** The methods that code of the older way calls. Each answers at once and never throws. */
export interface PostHogShim {
  /** Overwrites these properties of the person: `PersonWrites.set`. */
  readonly identify: (distinctId: string, properties: PersonProperties) => void
  /** Best effort. Under an id that is no external one it makes no profile of a visitor, where the platform has such a thing. */
  readonly captureEvent: (event: Pick<AnalyticsEvent, "distinctId" | "event" | "properties">) => void
  /** `{}` too when they cannot be known. Never rejects. */
  readonly getPersonProperties: (distinctId: string) => Promise<PersonProperties>
}

/** Of the engines that run in this process and have a provider, in the order of their start. */
const started: Array<PostHogShim> = []

/**
 * Undefined when no analytics provider is configured, or no engine runs.
 *
 * @example
 * getPostHog()?.identify(user.id, { plan: "pro" })
 */
export const getPostHog = (): PostHogShim | undefined => started.at(-1)

/** Leads `getPostHog` to this engine until the scope closes; what was begun by then may end. */
export const offerPostHog = ({ closeGrace = 5000 }: { readonly closeGrace?: number } = {}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const provider = yield* AnalyticsProvider
      if (provider.meta.id === AnalyticsProviders.none.meta.id) return
      const [reads, writes] = [yield* PersonReads, yield* PersonWrites]
      const { lookup } = yield* IdentityResolver
      const isVisitors = yield* Cache.make({
        capacity: 10_000,
        timeToLive: "1 minute",
        lookup: (distinctId: string) =>
          lookup({ kind: "external", value: distinctId }).pipe(
            // Nobody's key yet is what the host app says that it is.
            Effect.map((known) => known !== null && known.kind !== "external"),
            Effect.orElseSucceed(() => false)
          )
      })
      const begun = yield* FiberSet.make<void>()
      const begin = yield* FiberSet.runtime(begun)()
      const answer = Effect.runPromiseWith(yield* Effect.context<never>())
      const orLog = (what: string, effect: Effect.Effect<void, { readonly error: string }>) =>
        effect.pipe(
          Effect.catch(({ error }) => Effect.logWarning(what, { why: error })),
          Effect.catchCause((cause) => Effect.logError(what, cause))
        )

      const shim: PostHogShim = {
        identify: (distinctId, set) =>
          void begin(orLog("A person was not written to the analytics provider", writes.set({ distinctId, set }))),
        captureEvent: (event) =>
          void begin(
            orLog(
              "An event was not captured",
              Effect.gen(function* () {
                const personless = yield* Cache.get(isVisitors, event.distinctId)
                yield* provider.capture(personless ? { ...event, personless } : event)
              })
            )
          ),
        getPersonProperties: (distinctId) =>
          answer(Effect.catchCause(reads.propertiesOrEmpty(distinctId), () => Effect.succeed({})))
      }
      yield* Effect.addFinalizer(() =>
        Effect.timeoutOption(Effect.interruptible(FiberSet.awaitEmpty(begun)), closeGrace)
      )
      yield* Effect.acquireRelease(
        Effect.sync(() => started.push(shim)),
        () => Effect.sync(() => started.splice(started.indexOf(shim), 1))
      )
    })
  )
