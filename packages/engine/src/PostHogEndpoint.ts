/**
 * The endpoint of the kind `posthog` that the configuration asks for: emails become events of PostHog, and contacts persons,
 * without anybody having to create an endpoint.
 *
 * A start makes it, or brings it up to date with the key and the host. What an operator set stays: that it is disabled, that it
 * syncs no persons, further events, other names. Where it is declined it is disabled, until it is asked for again; a process
 * that says nothing of it leaves it as it is, since another one on the same database may ask for it.
 */
import { Effect, Layer, Redacted } from "effect"
import { posthogEvents, posthogKind } from "./Destinations.ts"
import { Egress } from "./Egress.ts"
import { Endpoints, type SeededEndpoint } from "./Endpoints.ts"

export interface PostHogEndpointOptions {
  /** The project API key, `phc_…`. */
  readonly apiKey: string | Redacted.Redacted<string>
  /** Where PostHog takes events. `https://us.i.posthog.com`. */
  readonly host?: string | undefined
}

const defaultHost = "https://us.i.posthog.com"

const defaults = { syncPersons: true, eventNames: { "email.clicked": "email.link_clicked" } }

/** What the endpoint is to be, where it is `was`. */
export const seededPostHog =
  ({ apiKey, host = defaultHost }: PostHogEndpointOptions) =>
  (was: SeededEndpoint | null): SeededEndpoint => ({
    kind: posthogKind,
    description: was?.description ?? "PostHog, as the configuration says.",
    eventTypes: [...new Set([...(was?.eventTypes ?? []), ...seededEvents])],
    ordering: was?.ordering ?? "contact",
    config: {
      ...defaults,
      ...was?.config,
      apiKey: Redacted.isRedacted(apiKey) ? Redacted.value(apiKey) : apiKey,
      host
    }
  })

const seededEvents = posthogEvents.filter((name) => /^(email|contact)\./.test(name))

/** Keeps the endpoint of the kind `posthog` that the configuration asks for. */
export const PostHogEndpoint = {
  layer: (options: PostHogEndpointOptions | false | undefined) =>
    Layer.effectDiscard(
      Effect.gen(function* () {
        const [{ keep, retire }, { check }] = [yield* Endpoints, yield* Egress]
        if (options === undefined) return
        if (options === false) return yield* retire(posthogKind)
        yield* keep(posthogKind, seededPostHog(options))
        // A PostHog of one's own may be where nothing is sent. It asks a name server, for which no start waits.
        yield* Effect.forkScoped(
          Effect.catch(check(options.host ?? defaultHost), ({ error }) =>
            Effect.logWarning(
              `The destination of the kind posthog (ENABLE_POSTHOG_DESTINATION) can send nothing: ${error}`
            )
          )
        )
      })
    )
}
