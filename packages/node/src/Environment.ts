/**
 * The environment of the server: every variable that it reads, decoded strictly and all at once.
 *
 * Libraries never read the environment; an app decodes it here, once, and hands options on. A bad or missing setting is
 * one line of `SettingsInvalid`, so that an operator sees all of them in one start. A misspelt one is a line on stderr.
 */
import { destinationPresets } from "@hogsend/engine"
import { Console, Effect, Redacted } from "effect"
import { resolve } from "node:path"
import * as OtlpSettings from "./Environment/otlpSettings.ts"
import * as Setting from "./Environment/Setting.ts"
import { unknownSettings } from "./Environment/unknownSettings.ts"

export { SettingsInvalid } from "./Environment/Setting.ts"

/** Each by what it is called in `Environment`. */
export const settings = {
  mode: Setting.oneOf("NODE_ENV", ["development", "production", "test"], "development"),
  port: Setting.integer("PORT", { minimum: 0, maximum: 65_535, fallback: 3002 }),
  host: Setting.text("HOST", undefined, "0.0.0.0"),
  databaseUrl: Setting.url(
    "DATABASE_URL",
    ["postgres", "postgresql"],
    "postgres://user:password@localhost:5432/hogsend",
    Setting.withHost
  ),
  poolMax: Setting.integer("DATABASE_POOL_MAX", { minimum: 2, maximum: 500, fallback: 10 }),
  dataDirectory: Setting.text("HOGSEND_DATA_DIR", undefined, "/var/lib/hogsend"),
  authSecret: Setting.secret("BETTER_AUTH_SECRET", 32),
  previousAuthSecrets: Setting.secrets("BETTER_AUTH_SECRETS_PREVIOUS", 32),
  adminApiKey: Setting.secret("ADMIN_API_KEY", 16),
  publicProperties: Setting.names("HOGSEND_PUBLIC_PROPERTIES", "plan,role"),
  serverOnlyProperties: Setting.names("HOGSEND_SERVER_ONLY_PROPERTIES", "plan,credit"),
  serverOnlyEvents: Setting.names("HOGSEND_SERVER_ONLY_EVENTS", "order_paid,refunded"),
  exposeEmail: Setting.boolean("HOGSEND_EXPOSE_EMAIL", false),
  docs: Setting.boolean("HOGSEND_DOCS", true),
  rateLimitPublishable: Setting.rates("HOGSEND_RATE_LIMIT_PUBLISHABLE"),
  trustedProxies: Setting.networks("HOGSEND_TRUSTED_PROXIES"),
  outboundAllowHttp: Setting.boolean("OUTBOUND_ALLOW_HTTP", false),
  outboundAllowLoopback: Setting.boolean("OUTBOUND_ALLOW_LOOPBACK", false),
  deliverySlots: Setting.integer("DELIVERY_SLOTS", { minimum: 0, maximum: 10_000, fallback: 512 }),
  destinationPresets: Setting.choice("ENABLED_DESTINATION_PRESETS", destinationPresets, "segment,slack"),
  posthogDestination: Setting.boolean("ENABLE_POSTHOG_DESTINATION", false),
  analyticsProvider: Setting.text("ANALYTICS_PROVIDER", undefined, "posthog"),
  publicUrl: Setting.url("API_PUBLIC_URL", ["https", "http"], "https://api.example.com"),
  posthogApiKey: Setting.credential("POSTHOG_API_KEY", "phc_…, the project API key"),
  posthogHost: Setting.url("POSTHOG_HOST", ["https", "http"], "https://eu.i.posthog.com"),
  posthogPersonalApiKey: Setting.credential("POSTHOG_PERSONAL_API_KEY", "phx_…, a personal API key"),
  posthogProjectId: Setting.text("POSTHOG_PROJECT_ID", undefined, "12345"),
  posthogPrivateHost: Setting.url("POSTHOG_PRIVATE_HOST", ["https", "http"], "https://eu.posthog.com"),
  posthogWebhookSecrets: Setting.secrets("POSTHOG_WEBHOOK_SECRET", 16),
  posthogPersonProperties: Setting.names("POSTHOG_WEBHOOK_PERSON_PROPERTIES", "plan,company"),
  segmentWebhookSecrets: Setting.secrets("SEGMENT_WEBHOOK_SECRET", 16),
  segmentTraits: Setting.names("SEGMENT_WEBHOOK_TRAITS", "plan,company"),
  stripeWebhookSecrets: Setting.secrets("STRIPE_WEBHOOK_SECRET", 16),
  clerkWebhookSecrets: Setting.secrets("CLERK_WEBHOOK_SECRET", 16),
  defaultTimezone: Setting.timezone("HOGSEND_DEFAULT_TIMEZONE"),
  migrate: Setting.oneOf("HOGSEND_MIGRATE", ["auto", "manual"], "auto"),
  clientMigrations: Setting.text("CLIENT_MIGRATIONS_FOLDER", undefined, "migrations"),
  logLevel: Setting.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error"], "info"),
  logFormat: Setting.oneOf("LOG_FORMAT", ["pretty", "json"], undefined),
  metricsToken: Setting.secret("METRICS_TOKEN", 16),
  metricsPort: Setting.optionalInteger("METRICS_PORT", { minimum: 0, maximum: 65_535, example: 9464 }),
  metricsHost: Setting.text("METRICS_HOST", undefined, "127.0.0.1"),
  otlpEndpoint: OtlpSettings.endpoint,
  otlpHeaders: OtlpSettings.headers("OTEL_EXPORTER_OTLP_HEADERS"),
  otlpTimeout: Setting.integer("OTEL_EXPORTER_OTLP_TIMEOUT", { minimum: 1, maximum: 600_000, fallback: 10_000 })
}

/** What is wrong with the data folder, which is seen only when it is used. */
export const dataFolderLine = (wrong: string): string => {
  const { example, name } = settings.dataDirectory
  return `${name}: ${wrong}; for example ${name}=${example}`
}

/** Every setting, with its default in place. Folders are absolute. */
export type Environment = Effect.Success<ReturnType<typeof readEnvironment>>

/** Reads all settings; a relative folder is relative to `workingDirectory`, where the command was typed. */
export const readEnvironment = Effect.fn("readEnvironment")(function* (workingDirectory: string) {
  const { lines, values } = yield* Setting.readSettings(settings)
  const known = Object.values(settings).map(({ name }) => name)
  // A warning: the same shell may hold variables of clients.
  for (const unknown of yield* unknownSettings(known)) yield* Console.error(`hogsend: ${unknown}`)
  const production = values.mode === "production"
  const missing: Array<string> = []
  const isFaulty = (setting: { readonly name: string }) => lines.some((line) => line.startsWith(`${setting.name} `))
  if (production && values.authSecret === undefined && !isFaulty(settings.authSecret)) {
    missing.push(
      Setting.line("BETTER_AUTH_SECRET", "is missing, and production needs one", settings.authSecret.example)
    )
  }
  const nowhere = values.databaseUrl === undefined && values.dataDirectory === undefined
  if (production && nowhere && !isFaulty(settings.databaseUrl)) {
    missing.push(
      Setting.line(
        "DATABASE_URL",
        "is missing, and so is HOGSEND_DATA_DIR: production needs one",
        settings.databaseUrl.example
      )
    )
  }
  if (values.posthogDestination && values.posthogApiKey === undefined) {
    const { example, name } = settings.posthogApiKey
    missing.push(Setting.line(name, `is missing, and ${settings.posthogDestination.name} needs it`, example))
  }
  if (lines.length + missing.length > 0) {
    return yield* new Setting.SettingsInvalid({ lines: [...lines, ...missing] })
  }
  return {
    ...values,
    production,
    host: values.host ?? (production ? "0.0.0.0" : "127.0.0.1"),
    metricsHost: values.metricsHost ?? (production ? "0.0.0.0" : "127.0.0.1"),
    databaseUrl: values.databaseUrl === undefined ? undefined : Redacted.make(values.databaseUrl),
    posthog: posthogOf(values),
    posthogDestination:
      values.posthogDestination && values.posthogApiKey !== undefined
        ? { apiKey: values.posthogApiKey, host: values.posthogHost }
        : undefined,
    dataDirectory: resolve(workingDirectory, values.dataDirectory ?? ".hogsend"),
    clientMigrations:
      values.clientMigrations === undefined ? undefined : resolve(workingDirectory, values.clientMigrations),
    logFormat: values.logFormat ?? (production ? ("json" as const) : ("pretty" as const))
  }
})

/** PostHog's own options; undefined where nobody asks for it. Asked for without a key, it is there and does nothing. */
const posthogOf = (values: {
  readonly analyticsProvider: string | undefined
  readonly posthogApiKey: Redacted.Redacted<string> | undefined
  readonly posthogHost: string | undefined
  readonly posthogPersonalApiKey: Redacted.Redacted<string> | undefined
  readonly posthogPrivateHost: string | undefined
  readonly posthogProjectId: string | undefined
}) => {
  const { analyticsProvider, posthogApiKey: apiKey, posthogPersonalApiKey: personalApiKey } = values
  if (apiKey === undefined && personalApiKey === undefined && analyticsProvider !== "posthog") return undefined
  const { posthogHost: host, posthogPrivateHost: privateHost, posthogProjectId: projectId } = values
  return { apiKey, host, personalApiKey, privateHost, projectId }
}
