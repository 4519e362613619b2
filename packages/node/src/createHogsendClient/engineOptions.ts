/** A client's options as those of the engine. */
import type { HogsendOptions } from "@hogsend/engine"
import { type Array, Redacted } from "effect"
import type { ClientSettings } from "./ClientSettings.ts"
import type { HogsendClientOptions } from "./HogsendClientOptions.ts"

export const engineOptions = (
  {
    analyticsWebhookSecret,
    databaseTimeouts,
    destinationPresets,
    destinations,
    publicUrl,
    rateLimits,
    webhookSources,
    ...options
  }: Omit<HogsendClientOptions, "database">,
  { adminApiKey, metricsToken, trustedProxies }: ClientSettings["Service"],
  secrets: Array.NonEmptyReadonlyArray<Redacted.Redacted<string>>
): HogsendOptions => ({
  ...options,
  publicUrl,
  ...(databaseTimeouts === undefined ? {} : { database: databaseTimeouts }),
  userTokens: { secrets },
  keyGate: { adminApiKey },
  analyticsLoop: {
    publicUrl,
    // An empty one is none, as it is for the webhook source.
    webhookSecret: analyticsWebhookSecret ? Redacted.make(analyticsWebhookSecret) : undefined
  },
  metrics: { token: metricsToken },
  destinations: { own: destinations ?? [], presets: destinationPresets },
  webhookSources: { sources: webhookSources ?? [] },
  rateLimits: { ...rateLimits, trustedProxies }
})
