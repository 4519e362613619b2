/** The server: the environment, Postgres named or embedded, PostHog, the engine on a port. All else is in the packages. */
import { NodeRuntime } from "@effect/platform-node"
import { HogsendServer, NodeEgressTransport, Observability, orderlyExit, orExplain, Postgres } from "@hogsend/node"
import { readEnvironment, serverOptions, Welcome } from "@hogsend/node"
import { PostHog } from "@hogsend/plugin-posthog"
import { Console, Effect, Layer } from "effect"

const main = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.env.INIT_CWD ?? process.cwd())
  const analyticsProviders = environment.posthog === undefined ? [] : [PostHog.layer(environment.posthog)]
  const server = Layer.unwrap(Effect.map(serverOptions(environment, { analyticsProviders }), HogsendServer.layer))
  return yield* Welcome.layer(environment).pipe(
    Layer.provide(server),
    Layer.provide([NodeEgressTransport.layer(), Postgres.layer(environment)]),
    Layer.provide(Observability.layer(environment)),
    Layer.launch
  )
}).pipe(
  orExplain,
  Effect.onInterrupt(() => Console.log("Hogsend has stopped."))
)

NodeRuntime.runMain(main, { teardown: orderlyExit })
