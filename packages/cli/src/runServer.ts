/** What `hogsend dev` does where there is no app: the server of `npm start`, in this process. */
import { HogsendServer, NodeEgressTransport, Observability, orExplain, Postgres } from "@hogsend/node"
import { readEnvironment, serverOptions, Welcome } from "@hogsend/node"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { endsInOrder } from "./endsInOrder.ts"
import { note } from "./output.ts"
import { environmentWithDotEnv } from "./readEnv.ts"

export const runServer = (over: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const environment = yield* readEnvironment(process.cwd())
    const { posthog } = environment
    if (environment.adminApiKey === undefined) {
      yield* note(
        "For the other commands of hogsend put a secret key of this server into .env: HOGSEND_ADMIN_KEY=hsk_…"
      )
    }
    const analyticsProviders =
      posthog === undefined
        ? []
        : [(yield* Effect.promise(() => import("@hogsend/plugin-posthog"))).PostHog.layer(posthog)]
    const server = Layer.unwrap(Effect.map(serverOptions(environment, { analyticsProviders }), HogsendServer.layer))
    yield* Welcome.layer(environment).pipe(
      Layer.provide(server),
      Layer.provide([NodeEgressTransport.layer(), Postgres.layer(environment)]),
      Layer.provide(Observability.layer(environment)),
      Layer.launch
    )
  }).pipe(
    orExplain,
    Effect.provideServiceEffect(ConfigProvider.ConfigProvider, environmentWithDotEnv(over)),
    endsInOrder
  )
