/**
 * Hogsend as a Node HTTP server: the schema brought up to date, the engine over a `PgClient`, its routes on a port.
 *
 * Closing the scope stops accepting, finishes what is in flight, cuts what has not finished by then, and closes the engine
 * and the pool.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Hogsend, HotRoutes, type HogsendOptions, LiveStreams } from "@hogsend/engine"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { answerClientErrors } from "./HogsendServer/answerClientErrors.ts"
import { HotServer } from "./HogsendServer/HotServer.ts"
import { migrated, type MigratedOptions } from "./migrated.ts"
import { MetricsServer, type MetricsServerOptions } from "./MetricsServer.ts"
import { ProcessMetrics, type ProcessMetricsOptions } from "./ProcessMetrics.ts"
import type { IncomingMessage, Server, ServerResponse } from "node:http"

/** The engine's options, and where and how the server listens. */
export interface HogsendServerOptions extends Omit<HogsendOptions, "metrics">, MigratedOptions {
  /** `server` serves `/metrics` there, too, without a key: for a network that only your Prometheus is in. */
  readonly metrics?: HogsendOptions["metrics"] &
    ProcessMetricsOptions & { readonly server?: MetricsServerOptions | undefined }
  readonly port: number
  readonly host: string
  /** How long a shutdown waits for requests in flight, in milliseconds. 15000: all of it is to end within 20 seconds. */
  readonly drainTimeout?: number
}

/** Hogsend as a Node HTTP server, over a `PgClient`. Closing its scope finishes what is in flight. */
export const HogsendServer = {
  /** Answers the engine's services and the address that is served. */
  layer: (options: HogsendServerOptions) =>
    // The routes are built before the port is opened: Node never answers a request that arrives before its handler does.
    Layer.unwrap(
      Effect.gen(function* () {
        const app = yield* HttpRouter.toHttpEffect(Hogsend.routes(options))
        const services = yield* Effect.context<never>()
        return served(app, new HotServer(yield* HotRoutes, services), options)
      })
    ).pipe(
      Layer.provide(Hogsend.hotRoutes),
      Layer.provide([Hogsend.privacy, NodeHttpServer.layerHttpServices]),
      Layer.provideMerge(numbers(options.metrics)),
      Layer.provideMerge(Hogsend.layer(options)),
      Layer.provideMerge(migrated(options))
    )
}

const numbers = ({ server, ...options }: NonNullable<HogsendServerOptions["metrics"]> = {}) =>
  Layer.merge(ProcessMetrics.layer(options), server === undefined ? Layer.empty : MetricsServer.layer(server))

type App = Effect.Success<ReturnType<typeof HttpRouter.toHttpEffect<never, never, never>>>

/** The app on its port. What it does at the end is read from top to bottom. */
const served = (app: App, server: Server, { drainTimeout, host, port }: HogsendServerOptions) =>
  Layer.suspend(() => {
    answerClientErrors(server)
    const answers = new Set<ServerResponse>()
    let closing = false
    const begin = (_: IncomingMessage, answer: ServerResponse) => {
      if (closing) answer.shouldKeepAlive = false
      answers.add(answer)
      answer.once("close", () => answers.delete(answer))
    }
    server.on("request", begin).on("checkContinue", begin).on("taken", begin)

    // Node serves what comes on an open connection after `close` too: each is told that its answer is the last one.
    return atTheEnd(() => {
      closing = true
      for (const answer of answers) answer.shouldKeepAlive = false
    }).pipe(
      // A stream would be in flight for ever.
      Layer.merge(Layer.effectDiscard(Effect.flatMap(LiveStreams, ({ end }) => Effect.addFinalizer(() => end)))),
      // Stops accepting, and waits for what is in flight.
      Layer.provideMerge(HttpServer.serve(app)),
      Layer.provideMerge(atTheEnd(() => server.closeAllConnections())),
      Layer.provideMerge(
        NodeHttpServer.layerServer(() => server, { host, port, gracefulShutdownTimeout: drainTimeout ?? 15_000 })
      )
    )
  })

const atTheEnd = (finish: () => void) => Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(finish)))
