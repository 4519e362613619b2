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
    metricsToken,
    publicUrl,
    rateLimits,
    webhookSources,
    ...options
  }: Omit<HogsendClientOptions, "database">,
  { adminApiKey, trustedProxies }: ClientSettings["Service"],
  secrets: Array.NonEmptyReadonlyArray<Redacted.Redacted<string>>
): HogsendOptions => ({
  ...options,
  publicUrl,
  ...(databaseTimeouts === undefined ? {} : { database: databaseTimeouts }),
  userTokens: { secrets },
  keyGate: { adminApiKey },
  analyticsLoop: {
    publicUrl,
    webhookSecret: analyticsWebhookSecret === undefined ? undefined : Redacted.make(analyticsWebhookSecret)
  },
  metrics: { token: metricsToken === undefined ? undefined : Redacted.make(metricsToken) },
  destinations: { own: destinations ?? [], presets: destinationPresets },
  webhookSources: { sources: webhookSources ?? [] },
  rateLimits: { ...rateLimits, trustedProxies }
})
