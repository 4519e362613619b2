/** The settings of an operator, as the server gets them. */
import { expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted } from "effect"
import { readEnvironment } from "../src/Environment.ts"
import { Postgres } from "../src/Postgres.ts"
import { serverOptions } from "../src/serverOptions.ts"

const optionsOf = (env: Readonly<Record<string, string>>) =>
  readEnvironment("/typed/here").pipe(
    Effect.flatMap(serverOptions),
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
