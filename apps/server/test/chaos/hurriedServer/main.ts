/**
 * The server with a queue in a hurry, for what a test need not wait for: it tries again at once and many times, and a lease
 * ends soon. Otherwise it is `main.ts` of the app. `SLOTS` is how many attempts run at the same time.
 */
import { NodeRuntime } from "@effect/platform-node"
import {
  developmentSecret,
  HogsendServer,
  NodeEgressTransport,
  Postgres,
  readEnvironment,
  Welcome
} from "@hogsend/node"
import { Effect, Layer } from "effect"

const queue = {
  slots: Number(process.env["SLOTS"]),
  schedule: Array.from({ length: 50 }, () => 100),
  timeout: 2000,
  lease: 10_000,
  interval: 500
}

const main = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.cwd())
  const server = Effect.gen(function* () {
    const secret = yield* developmentSecret((yield* Postgres).dataDirectory)
    return HogsendServer.layer({
      port: environment.port,
      host: environment.host,
      migrate: "auto",
      userTokens: { secrets: [secret] },
      destinationQueue: queue,
      egress: { allowHttp: true, allowLoopback: true }
    })
  })
  return yield* Welcome.layer(environment).pipe(
    Layer.provide(Layer.unwrap(server)),
    Layer.provide([NodeEgressTransport.layer(), Postgres.layer(environment)]),
    Layer.launch
  )
})

NodeRuntime.runMain(main)
