/**
 * The app's `main.ts` in a program that writes persons itself, as a host app does: as many as `WRITES` says, ten of each person
 * in the order of their numbers, and says when all of them are committed.
 */
import { NodeRuntime } from "@effect/platform-node"
import { PersonWrites } from "@hogsend/engine"
import {
  HogsendServer,
  NodeEgressTransport,
  orderlyExit,
  Postgres,
  readEnvironment,
  serverOptions
} from "@hogsend/node"
import { PostHog } from "@hogsend/plugin-posthog"
import { Console, Effect, Layer } from "effect"

const count = Number(process.env["WRITES"])

const write = Effect.gen(function* () {
  const writes = yield* PersonWrites
  yield* Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) => writes.set({ distinctId: `person_${n % (count / 10)}`, set: { n } }),
    { concurrency: "unbounded", discard: true }
  )
  yield* Console.log(`${count} writes are committed`)
})

const main = Effect.gen(function* () {
  const environment = yield* readEnvironment(process.cwd())
  const analyticsProviders = [PostHog.layer(environment.posthog ?? {})]
  const server = Layer.unwrap(Effect.map(serverOptions(environment, { analyticsProviders }), HogsendServer.layer))
  return yield* Layer.effectDiscard(write).pipe(
    Layer.provide(server),
    Layer.provide([NodeEgressTransport.layer(), Postgres.layer(environment)]),
    Layer.launch
  )
})

NodeRuntime.runMain(main, { teardown: orderlyExit })
