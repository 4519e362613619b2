/** The settings of an operator, as the server gets them. */
import { expect, it } from "@effect/vitest"
import { AnalyticsProvider } from "@hogsend/core"
import { AnalyticsProviders } from "@hogsend/engine"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { readEnvironment } from "../src/Environment.ts"
import { Postgres } from "../src/Postgres.ts"
import { type Brought, serverOptions } from "../src/serverOptions.ts"

const optionsOf = (env: Readonly<Record<string, string>>, brought: Brought = {}) =>
  readEnvironment("/typed/here").pipe(
    Effect.flatMap((environment) => serverOptions(environment, brought)),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
    Effect.provideService(Postgres, Postgres.of({ embedded: true, dataDirectory: "/nowhere", standsInFor: undefined }))
  )

const secret = "a secret of 32 characters or more"

it.effect("Secrets, addresses that may be reached, and slots are the ones that are set", () =>
  Effect.gen(function* () {
    const options = yield* optionsOf({
      BETTER_AUTH_SECRET: secret,
      BETTER_AUTH_SECRETS_PREVIOUS: `${secret}1`,
      OUTBOUND_ALLOW_LOOPBACK: "true",
      DELIVERY_SLOTS: "0"
    })
    expect(options).toMatchObject({
      egress: { allowHttp: false, allowLoopback: true },
      destinationQueue: { slots: 0 }
    })
    expect(options.userTokens.secrets.map(Redacted.value)).toEqual([secret, `${secret}1`])
    expect(yield* optionsOf({ BETTER_AUTH_SECRET: secret, OUTBOUND_ALLOW_HTTP: "true" })).toMatchObject({
      egress: { allowHttp: true, allowLoopback: false },
      destinationQueue: { slots: 512 }
    })
  })
)

it.effect(
  "The analytics providers that the app brings stand beside the one that is named, and a default time zone",
  () =>
    Effect.gen(function* () {
      const providers = [Layer.succeed(AnalyticsProvider, AnalyticsProviders.none)]
      const environment = {
        BETTER_AUTH_SECRET: secret,
        ANALYTICS_PROVIDER: "w",
        HOGSEND_DEFAULT_TIMEZONE: "europe/berlin"
      }
      const options = yield* optionsOf(environment, { analyticsProviders: providers })
      expect(options.analytics).toEqual({ providers, defaultProvider: "w" })
      expect(options.defaults).toEqual({ timezone: "Europe/Berlin" })
    })
)

it.effect("The loop has the address and the secret that are set, or the address of this machine", () =>
  Effect.gen(function* () {
    const set = { API_PUBLIC_URL: "https://api.example.com", POSTHOG_WEBHOOK_SECRET: "a secret of a webhook" }
    const { analyticsLoop } = yield* optionsOf({ BETTER_AUTH_SECRET: secret, ...set })
    expect(analyticsLoop.publicUrl).toBe("https://api.example.com")
    expect(analyticsLoop.webhookSecret && Redacted.value(analyticsLoop.webhookSecret)).toBe("a secret of a webhook")
    expect((yield* optionsOf({ BETTER_AUTH_SECRET: secret, PORT: "4000" })).analyticsLoop).toEqual({
      publicUrl: "http://localhost:4000",
      webhookSecret: undefined
    })
  })
)

it.effect("Webhook sources are closed until they have a secret, and take several", () =>
  Effect.gen(function* () {
    const secretsOf = (options: Effect.Success<ReturnType<typeof optionsOf>>) =>
      Object.fromEntries(
        options.webhookSources.sources.map(({ auth, meta }) => [
          meta.id,
          [auth.secret].flat().map((one) => (Redacted.isRedacted(one) ? Redacted.value(one) : one))
        ])
      )
    const none = { posthog: [], segment: [], stripe: [], clerk: [] }
    expect(secretsOf(yield* optionsOf({ BETTER_AUTH_SECRET: secret }))).toEqual(none)
    for (const id of Object.keys(none)) {
      const [old, young] = [`${id}, the first secret`.replace(",", ""), `${id} and the second`]
      const name = `${id.toUpperCase()}_WEBHOOK_SECRET`
      const options = yield* optionsOf({ BETTER_AUTH_SECRET: secret, [name]: `${young},${old}` })
      expect(secretsOf(options)).toEqual({ ...none, [id]: [young, old] })
    }
    const { webhookSources } = yield* optionsOf({
      BETTER_AUTH_SECRET: secret,
      POSTHOG_WEBHOOK_PERSON_PROPERTIES: "plan",
      SEGMENT_WEBHOOK_TRAITS: "company,role"
    })
    const listed = webhookSources.sources.map(({ contactProperties, meta }) => [meta.id, contactProperties])
    expect(Object.fromEntries(listed)).toMatchObject({ posthog: ["plan"], segment: ["company", "role"] })
  })
)

it.effect("Kinds of endpoints, and the endpoint of PostHog's, are those that are asked for", () =>
  Effect.gen(function* () {
    const asked = (env: Readonly<Record<string, string>>) => optionsOf({ BETTER_AUTH_SECRET: secret, ...env })
    expect(yield* asked({})).toMatchObject({ destinations: { presets: [] }, posthogDestination: false })
    for (const [text, presets] of [
      ["*", "*"],
      ["none", []],
      [" segment , slack", ["segment", "slack"]],
      ["posthog", ["posthog"]]
    ] as const) {
      expect(yield* asked({ ENABLED_DESTINATION_PRESETS: text })).toMatchObject({ destinations: { presets } })
    }
    const { posthogDestination } = yield* asked({ ENABLE_POSTHOG_DESTINATION: "true", POSTHOG_API_KEY: "phc_a" })
    expect(posthogDestination).toMatchObject({ host: undefined })
  })
)
