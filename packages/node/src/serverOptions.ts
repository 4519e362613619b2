/** The environment as options of the server. What it names is read: the host app's migrations, a secret of development. */
import { clerk, type HogsendOptions, posthog, segment, stripe } from "@hogsend/engine"
import { Effect } from "effect"
import { developmentSecret } from "./developmentSecret.ts"
import type { Environment } from "./Environment.ts"
import type { HogsendServerOptions } from "./HogsendServer.ts"
import { Postgres } from "./Postgres.ts"
import { readMigrations } from "./readMigrations.ts"

/** What only an app can bring. */
export interface Brought {
  /** The analytics providers to choose from. */
  readonly analyticsProviders?: NonNullable<HogsendOptions["analytics"]>["providers"]
}

/** The environment as options of `HogsendServer`. */
export const serverOptions = Effect.fn("serverOptions")(function* (
  environment: Environment,
  { analyticsProviders }: Brought = {}
) {
  const secret = environment.authSecret ?? (yield* developmentSecret((yield* Postgres).dataDirectory))
  return {
    port: environment.port,
    host: environment.host,
    migrate: environment.migrate,
    clientMigrations: yield* readMigrations(environment.clientMigrations),
    userTokens: { secrets: [secret, ...environment.previousAuthSecrets] },
    analytics: { providers: analyticsProviders, defaultProvider: environment.analyticsProvider },
    analyticsLoop: {
      publicUrl: environment.publicUrl ?? `http://localhost:${environment.port}`,
      webhookSecret: environment.posthogWebhookSecrets[0]
    },
    webhookSources: {
      sources: [
        posthog({ secret: environment.posthogWebhookSecrets, personProperties: environment.posthogPersonProperties }),
        segment({ secret: environment.segmentWebhookSecrets, traits: environment.segmentTraits }),
        stripe({ secret: environment.stripeWebhookSecrets }),
        clerk({ secret: environment.clerkWebhookSecrets })
      ]
    },
    defaults: { timezone: environment.defaultTimezone },
    keyGate: { adminApiKey: environment.adminApiKey },
    contacts: {
      publicProperties: environment.publicProperties,
      exposeEmail: environment.exposeEmail,
      serverOnlyProperties: environment.serverOnlyProperties,
      serverOnlyEvents: environment.serverOnlyEvents
    },
    rateLimits: { publishable: environment.rateLimitPublishable, trustedProxies: environment.trustedProxies },
    egress: { allowHttp: environment.outboundAllowHttp, allowLoopback: environment.outboundAllowLoopback },
    destinations: { presets: environment.destinationPresets },
    posthogDestination: environment.posthogDestination ?? false,
    destinationQueue: { slots: environment.deliverySlots },
    metrics: {
      token: environment.metricsToken,
      server:
        environment.metricsPort === undefined
          ? undefined
          : { port: environment.metricsPort, host: environment.metricsHost }
    },
    docs: environment.docs
  } satisfies HogsendServerOptions
})
