/** The server: the environment, Postgres named or embedded, the engine on a port. Everything else is in the packages. */
import { NodeRuntime } from "@effect/platform-node"
import { developmentSecret, type Environment, HogsendServer, Observability, orExplain, Postgres } from "@hogsend/node"
import { NodeEgressTransport, orderlyExit, readEnvironment, readMigrations, Welcome } from "@hogsend/node"
import { Console, Effect, Layer } from "effect"

const server = Effect.fnUntraced(function* (environment: Environment) {
  const secret = environment.authSecret ?? (yield* developmentSecret((yield* Postgres).dataDirectory))
  return HogsendServer.layer({
    port: environment.port,
    host: environment.host,
    migrate: environment.migrate,
    clientMigrations: yield* readMigrations(environment.clientMigrations),
    userTokens: { secrets: [secret, ...environment.previousAuthSecrets] },
    keyGate: { adminApiKey: environment.adminApiKey },
    contacts: {
      publicProperties: environment.publicProperties,
      exposeEmail: environment.exposeEmail,
      serverOnlyProperties: environment.serverOnlyProperties,
      serverOnlyEvents: environment.serverOnlyEvents
    },
    rateLimits: { publishable: environment.rateLimitPublishable, trustedProxies: environment.trustedProxies },
    docs: environment.docs
  })
})

const main = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.env.INIT_CWD ?? process.cwd())
  return yield* Welcome.layer(environment).pipe(
    Layer.provide(Layer.unwrap(server(environment))),
    Layer.provide([NodeEgressTransport.layer(), Postgres.layer(environment)]),
    Layer.provide(Observability.layer(environment)),
    Layer.launch
  )
}).pipe(
  orExplain,
  Effect.onInterrupt(() => Console.log("Hogsend has stopped."))
)

NodeRuntime.runMain(main, { teardown: orderlyExit })
