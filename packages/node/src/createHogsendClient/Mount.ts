/**
 * The engine's routes as functions that a host app's own server calls: of a web `Request`, and of `node:http`'s pair.
 *
 * A request counts as in flight until its answer, streamed ones too, has ended. When the scope closes, what still goes on is
 * cut off.
 */
import { NodeHttpServer, NodeHttpServerRequest } from "@effect/platform-node"
import { Hogsend } from "@hogsend/engine"
import { Context, Deferred, Effect, Layer, Option, type Scope } from "effect"
import { HttpEffect, HttpRouter, HttpServerRequest } from "effect/http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { ClientSettings } from "./ClientSettings.ts"
import type { InFlight } from "./InFlight.ts"
import { type ClientDisposed, disposed } from "./rejection.ts"
import { untilClosed } from "./untilClosed.ts"

export interface MountOptions {
  readonly docs?: boolean
  readonly publicUrl?: string | undefined
  readonly inFlight: InFlight
}

/** Of a web request, which does not know it. */
const RemoteAddress = Context.Reference<string | undefined>("node/RemoteAddress", { defaultValue: () => undefined })

export class Mount extends Context.Service<
  Mount,
  {
    readonly web: (request: Request, remoteAddress: string | undefined) => Promise<Response>
    readonly node: (request: IncomingMessage, response: ServerResponse) => void
  }
>()("node/Mount") {
  static readonly layer = ({ inFlight, ...options }: MountOptions) =>
    Layer.effect(
      Mount,
      Effect.gen(function* () {
        const { basePath } = yield* ClientSettings
        const app = yield* HttpRouter.toHttpEffect(Hogsend.routes(options))
        const closed = yield* Effect.acquireRelease(Deferred.make<never, ClientDisposed>(), (deferred) =>
          Deferred.fail(deferred, disposed())
        )
        /** `arrived` says where the request is to go, and whom it came from. */
        const serve = (arrived: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Arrival>) =>
          Effect.gen(function* () {
            yield* Effect.acquireRelease(
              Effect.sync(() => inFlight.begin()),
              (end) => Effect.sync(end)
            )
            const request = yield* HttpServerRequest.HttpServerRequest
            const arrival = yield* arrived(request)
            return yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify(arrival))
          })

        const web = HttpEffect.toWebHandlerWith<never, Asked>(yield* Effect.context<never>())(
          untilClosed(
            serve(({ url }) =>
              Effect.map(RemoteAddress, (address) => ({
                url: below(basePath, url),
                remoteAddress: Option.fromUndefinedOr(address)
              }))
            ),
            closed
          )
        )
        const node = yield* NodeHttpServer.makeHandler(
          serve((request) => {
            const { originalUrl = request.url } = NodeHttpServerRequest.toIncomingMessage(request) as Routed
            // Express and its kind take the path off at which they mount.
            return Effect.succeed({ url: originalUrl === request.url ? below(basePath, request.url) : request.url })
          }),
          { scope: yield* Effect.scope }
        )
        return Mount.of({
          web: (request, remoteAddress) => web(request, Context.make(RemoteAddress, remoteAddress)),
          node
        })
      })
    ).pipe(Layer.provide([Hogsend.privacy, NodeHttpServer.layerHttpServices]))
}

type Asked = HttpServerRequest.HttpServerRequest | Scope.Scope
type Arrival = Parameters<HttpServerRequest.HttpServerRequest["modify"]>[0]

/** As a router leaves it. */
type Routed = IncomingMessage & { readonly originalUrl?: string }

/** The path as the engine knows it. What is not below the base is `/`, where nothing is. */
const below = (basePath: string, url: string): string =>
  url.startsWith(basePath) ? url.slice(basePath.length) || "/" : "/"
