/** The engine's routes as a web handler, without a port. */
import { Hogsend, type HogsendOptions } from "@hogsend/engine"
import { Effect, type Scope } from "effect"
import { HttpEffect, HttpRouter, type HttpServerRequest } from "effect/http"

/** Runs in what is provided to it, until the scope closes. */
export const makeHandler = Effect.fnUntraced(function* (options: Pick<HogsendOptions, "docs">) {
  const app = yield* HttpRouter.toHttpEffect(Hogsend.routes(options))
  return HttpEffect.toWebHandlerWith<never, HttpServerRequest.HttpServerRequest | Scope.Scope>(
    yield* Effect.context<never>()
  )(app)
})
