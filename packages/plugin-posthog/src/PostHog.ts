/** PostHog for hosts that use effects: the `AnalyticsProvider` service, whose queue is sent when the scope closes. */
import { type AnalyticsProvider, providerLayer } from "@hogsend/core"
import { Effect, Layer } from "effect"
import { createPostHogProvider } from "./createPostHogProvider.ts"
import { checkOptions, type PostHogOptions, type PostHogOptionsInvalid } from "./PostHogOptions.ts"

/** PostHog as a Layer: the `AnalyticsProvider` service, whose queue is sent when the scope closes. */
export const PostHog = {
  /**
   * @example
   * const Analytics = PostHog.layer({ apiKey: "phc_…", host: "https://eu.i.posthog.com" })
   */
  layer: (options: PostHogOptions): Layer.Layer<AnalyticsProvider, PostHogOptionsInvalid> =>
    Layer.unwrap(
      Effect.map(Effect.fromResult(checkOptions(options)), () => providerLayer(createPostHogProvider(options)))
    )
}
