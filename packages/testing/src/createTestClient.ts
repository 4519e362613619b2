/**
 * `createHogsendClient` for the tests of a host app that is written with promises: the same client, on a database of its own,
 * with a receiver, recorded analytics and a clock in the place of the world. It is `HogsendTest` without its effects.
 */
import { AnalyticsProvider, type EndpointCreated } from "@hogsend/core"
import { Egress, EgressTransport } from "@hogsend/engine"
import { createHogsendClient, type HogsendClient, type HogsendClientOptions } from "@hogsend/node"
import { Context, type Duration, Effect, Exit, Layer, Scope } from "effect"
import { delivers } from "./HogsendTest.ts"
import { makeControls } from "./HogsendTest/makeControls.ts"
import { MovableClock } from "./HogsendTest/MovableClock.ts"
import type { WebhookReceiver } from "./HogsendTest/WebhookReceiver.ts"
import { RecordingAnalytics } from "./RecordingAnalytics.ts"
import { RecordingTransport } from "./RecordingTransport.ts"
import { TestDatabase } from "./TestDatabase.ts"
import { adminKey, tokenSecret } from "./testKeys.ts"

export interface TestClientOptions extends Omit<HogsendClientOptions, "database"> {
  /** How long `settled` waits before it rejects, in milliseconds. 10000. */
  readonly settleTimeout?: number
}

export interface TestClient extends HogsendClient {
  /** What the analytics provider was told, unless the options brought another one. */
  readonly recordedAnalytics: RecordingAnalytics["Service"]
  readonly receiver: Omit<WebhookReceiver, "subscribe"> & {
    /** Makes an endpoint at `url` for these events; what else it shall be goes into `draft`. */
    readonly subscribe: (...endpoint: Parameters<WebhookReceiver["subscribe"]>) => Promise<EndpointCreated>
  }
  /** Moves the engine's time; what that is and is not, `HogsendTestClock` says. */
  readonly clock: {
    readonly adjust: (duration: Duration.Input) => Promise<void>
    readonly setTime: (time: Date | number) => Promise<void>
  }
  /** Resolves when nothing is due, nor on its way. */
  readonly settled: () => Promise<void>
}

/**
 * Makes a client whose engine runs. `dispose` ends it and drops its database.
 *
 * @example
 * const hogsend = await createTestClient()
 * await hogsend.receiver.subscribe(["contact.created"])
 * await hogsend.contacts.upsert({ userId: "u_1" })
 * await hogsend.settled()
 * expect(hogsend.receiver.requests).toHaveLength(1)
 * await hogsend.dispose()
 */
export const createTestClient = async ({ settleTimeout, ...options }: TestClientOptions = {}): Promise<TestClient> => {
  const scope = Scope.makeUnsafe()
  const world = Layer.mergeAll(RecordingAnalytics.layer, RecordingTransport.layer, MovableClock.layer)
  const { context, url } = await Effect.runPromise(
    Scope.provide(
      Effect.all({ context: Layer.build(world), url: Effect.map(TestDatabase.create, ({ url }) => url) }),
      scope
    )
  )
  const client = createHogsendClient({
    logLevel: "error",
    adminApiKey: adminKey,
    secret: tokenSecret,
    ...options,
    database: url,
    analytics: {
      ...(options.analytics?.providers === undefined
        ? { provider: Layer.succeed(AnalyticsProvider, Context.get(context, AnalyticsProvider)) }
        : {}),
      ...options.analytics
    },
    rateLimits: { publishable: "off", keyless: "off", ...options.rateLimits },
    destinationQueue: { interval: 50, ...options.destinationQueue },
    services: {
      // The rest of the engine stands on this service, and so has the clock.
      egress: Egress.layer(options.egress).pipe(
        Layer.provide(Layer.succeed(EgressTransport, Context.get(context, EgressTransport))),
        Layer.provideMerge(Layer.succeedContext(context))
      ),
      ...options.services
    }
  })
  const dispose = async () => {
    await client.dispose()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }

  const controls = makeControls({ delivers: delivers(options), settleTimeout })
  const { clock, receiver, settled } = await client
    .run(Effect.provideContext(controls, context))
    .catch(async (failure) => {
      await dispose()
      throw failure
    })
  return {
    ...client,
    recordedAnalytics: Context.get(context, RecordingAnalytics),
    receiver: Object.create(receiver, {
      subscribe: {
        value: (...endpoint: Parameters<typeof receiver.subscribe>) => client.run(receiver.subscribe(...endpoint))
      }
    }),
    clock: {
      adjust: (duration) => client.run(clock.adjust(duration)),
      setTime: (time) => client.run(clock.setTime(time))
    },
    settled: () => client.run(settled),
    dispose,
    [Symbol.asyncDispose]: dispose
  }
}
