/**
 * The server with a queue in a hurry, for what a test need not wait for: it tries again at once and many times, and a lease
 * ends soon. Otherwise it is the app's `main.ts`.
 */
import { NodeRuntime } from "@effect/platform-node"
import { HogsendServer, NodeEgressTransport, Postgres, readEnvironment, serverOptions, Welcome } from "@hogsend/node"
import { Effect, Layer } from "effect"

const hurry = { schedule: Array.from({ length: 50 }, () => 100), timeout: 2000, lease: 10_000, interval: 500 }

const main = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.cwd())
  const server = Effect.map(serverOptions(environment), (options) =>
    HogsendServer.layer({ ...options, destinationQueue: { ...options.destinationQueue, ...hurry } })
  )
  return yield* Welcome.layer(environment).pipe(
    Layer.provide(Layer.unwrap(server)),
    Layer.provide([NodeEgressTransport.layer(), Postgres.layer(environment)]),
    Layer.launch
  )
})

NodeRuntime.runMain(main)
