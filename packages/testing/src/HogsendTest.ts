/**
 * A real Hogsend for the tests of a host app: the whole engine on a database of its own, without a port, delivering what it
 * has to deliver to a receiver in the process. What is replaced is what would leave the process: the analytics provider and
 * the way to the network.
 *
 * The clock is the test's to move. No rate is limited. It needs no set-up; with `@hogsend/testing/globalSetup` in vitest's
 * configuration every test file begins faster.
 */
import { Hogsend, type HogsendOptions, Migrations } from "@hogsend/engine"
import { readMigrations } from "@hogsend/node"
import { Context, type Duration, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { createHmac } from "node:crypto"
import { makeControls } from "./HogsendTest/makeControls.ts"
import { makeHandler } from "./HogsendTest/makeHandler.ts"
import { MovableClock } from "./HogsendTest/MovableClock.ts"
import type { WebhookReceiver } from "./HogsendTest/WebhookReceiver.ts"
import { RecordingAnalytics } from "./RecordingAnalytics.ts"
import { RecordingTransport } from "./RecordingTransport.ts"
import { makeRequests, type Requests } from "./Requests.ts"
import { TestDatabase } from "./TestDatabase.ts"
import { adminKey, mintTestKeys, type TestKeys, tokenSecret } from "./testKeys.ts"

/** The engine's options, all of them optional, and what the test needs beside. */
export interface HogsendTestOptions extends Partial<HogsendOptions> {
  /** The folder of the host app's own migrations, as `migrate` takes it: applied to the new database. None. */
  readonly clientMigrations?: string
  /** How long `settled` waits before it fails the test, in milliseconds. 10000. */
  readonly settleTimeout?: number
}

/** The time of a `HogsendTest`, which a test moves. */
export interface HogsendTestClock {
  /**
   * Moves the time on: `clock.adjust("2 days")`. What becomes due on the way is done, each at its time: deliveries are tried
   * again by the schedule, and at the end contacts are erased whose days are over. It answers when all of it is done.
   *
   * It moves `hogsend.now()` of this database (due times, leases, ages) and Effect's `Clock` (when an event happened, when a
   * key or a token expires, what is remembered, signatures). It does not move `Date.now()`, Postgres' own `now()`, sleeping
   * and time-outs. Deliveries wait for their own times only in the engine's own queue.
   */
  readonly adjust: (duration: Duration.Input) => Effect.Effect<void>
  /** Moves the time to here and lets it flow on: `clock.setTime(new Date("2030-01-01"))`. Back as well, which does nothing else. */
  readonly setTime: (time: Date | number) => Effect.Effect<void>
}

/** A real Hogsend for the tests of a host app. */
export class HogsendTest extends Context.Service<
  HogsendTest,
  TestKeys &
    Requests & {
      /** The routes as a web handler: `Request` in, `Response` out. */
      readonly handler: (request: Request) => Promise<Response>
      /** A user token of this user, as the host app's backend would mint it; good for an hour. */
      readonly userToken: (userId: string) => string
      /** What the analytics provider was told, unless the options brought another one. */
      readonly analytics: RecordingAnalytics["Service"]
      readonly receiver: WebhookReceiver
      readonly clock: HogsendTestClock
      /**
       * Until nothing is due, nor on its way: then all that happened so far was told to the receiver and to the analytics
       * provider. What failed and waits for its next attempt is not due. Of another queue than the engine's own nothing is known.
       */
      readonly settled: Effect.Effect<void>
    }
>()("testing/HogsendTest") {
  /**
   * The engine with every service of it, a `PgClient` on its database, and this one. `options` are the engine's, with
   * whatever a test leaves out made up; `services` replaces any service by another Layer.
   *
   * ```ts
   * layer(HogsendTest.layer())("Sign-ups", (it) => {
   *   it.effect("are told to the CRM", () =>
   *     Effect.gen(function* () {
   *       const { asServer, receiver, settled } = yield* HogsendTest
   *       yield* receiver.subscribe(["contact.created"])
   *       yield* asServer("PUT", "/v1/contacts", { userId: "u_1" })
   *       yield* settled
   *       expect(receiver.requests).toMatchObject([{ message: { type: "contact.created" }, verified: true }])
   *     })
   *   )
   * })
   * ```
   */
  static readonly layer = (options: HogsendTestOptions = {}) =>
    Layer.effect(HogsendTest, make(options)).pipe(
      Layer.provide([Hogsend.privacy, HttpServer.layerServices]),
      Layer.provideMerge(engine(options)),
      Layer.provideMerge(migrated(options)),
      Layer.provideMerge(Layer.mergeAll(RecordingAnalytics.layer, RecordingTransport.layer, TestDatabase.layer)),
      Layer.provideMerge(MovableClock.layer),
      Layer.orDie
    )
}

const engine = ({ analytics, ...options }: HogsendTestOptions) =>
  Hogsend.layer({
    ...options,
    analytics: {
      ...(analytics?.providers === undefined ? { provider: RecordingAnalytics.layer } : {}),
      ...analytics
    },
    rateLimits: { publishable: "off", keyless: "off", ...options.rateLimits },
    destinationQueue: {
      interval: 50,
      ...options.destinationQueue,
      breaker: { interval: 50, ...options.destinationQueue?.breaker }
    },
    userTokens: options.userTokens ?? { secrets: [Redacted.make(tokenSecret)] },
    keyGate: { adminApiKey: Redacted.make(adminKey), ...options.keyGate }
  })

const migrated = ({ clientMigrations }: HogsendTestOptions) =>
  Layer.unwrap(
    Effect.map(readMigrations(clientMigrations), (client) =>
      Layer.effectDiscard(Effect.flatMap(Migrations, ({ run }) => run(["client"]))).pipe(
        Layer.provideMerge(Migrations.layer({ client }))
      )
    )
  )

const make = Effect.fnUntraced(function* (options: HogsendTestOptions) {
  const movable = yield* MovableClock
  const keys = yield* mintTestKeys
  const handler = yield* makeHandler(options)
  return HogsendTest.of({
    ...keys,
    ...makeRequests("http://hogsend.test", (url, init) => handler(new Request(url, init)), keys),
    ...(yield* makeControls({ delivers: delivers(options), settleTimeout: options.settleTimeout })),
    handler,
    userToken: (userId) => signUserToken(userId, Date.now() + movable.offset()),
    analytics: yield* RecordingAnalytics
  })
})

/** Of another queue than the engine's own nothing is known. */
export const delivers = ({
  destinationQueue,
  services
}: Pick<HogsendOptions, "destinationQueue" | "services">): boolean =>
  services?.destinationQueue === undefined && destinationQueue?.slots !== 0

/** `generateUserToken` mints for the time of day. */
const signUserToken = (userId: string, now: number): string => {
  const payload = Buffer.from(JSON.stringify({ userId, exp: Math.floor(now / 1000) + 3600 })).toString("base64url")
  return `${payload}.${createHmac("sha256", tokenSecret).update(payload).digest("base64url")}`
}
