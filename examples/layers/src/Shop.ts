/** The shop: its services over the engine's, and its routes beside those of the engine. */
import { Hogsend, type HogsendOptions } from "@hogsend/engine"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Order, Orders } from "./Orders.ts"
import { Sessions, SessionTokens } from "./Sessions.ts"

const { json } = HttpServerResponse

const Login = Schema.Struct({ userId: Schema.NonEmptyString })

// #region routes
const ShopRoutes = HttpRouter.use(
  Effect.fn(function* (router) {
    const orders = yield* Orders
    const sessions = yield* Sessions

    const placeOrder = Effect.gen(function* () {
      const order = yield* HttpServerRequest.schemaBodyJson(Order)
      return yield* json(yield* orders.place(order), { status: 201 })
    })
    yield* router.add(
      "POST",
      "/orders",
      Effect.catchTag(placeOrder, ["SchemaError", "OrderRefused"], ({ message }) =>
        json({ error: message }, { status: 400 })
      )
    )

    const logIn = Effect.gen(function* () {
      // Your own check of who that is.
      const { userId } = yield* HttpServerRequest.schemaBodyJson(Login)
      return yield* json({ userToken: yield* sessions.start(userId) })
    })
    yield* router.add("POST", "/sessions", logIn)
  })
)
// #endregion

// #region shop
export const Shop = {
  /** The shop's services, over an engine. */
  services: Layer.mergeAll(Orders.layer, Sessions.layer),

  /** The engine, as the shop has it. */
  engine: (options: HogsendOptions) => Hogsend.layer({ ...options, services: { userTokens: SessionTokens } }),

  /** All routes: what is not the shop's is Hogsend's. */
  routes: Layer.merge(ShopRoutes, Hogsend.mount({}))
}
// #endregion
