/** The shop's own service, over the engine's: an order is an event about whoever gave this address. */
import { AnalyticsProvider, type Caller } from "@hogsend/core"
import { EventIngest, IdentityResolver } from "@hogsend/engine"
import { Context, Effect, Layer, Schema } from "effect"

export const Order = Schema.Struct({ email: Schema.NonEmptyString, total: Schema.Finite })

export class OrderRefused extends Schema.TaggedError<OrderRefused>()("OrderRefused", { error: Schema.String }) {}

// #region caller
/** Who the shop is to the engine: what it says is said by its server. */
const shop: Caller["Service"] = { keyId: null, name: "shop", scopes: ["full-admin"], restricted: false }
// #endregion

// #region orders
export class Orders extends Context.Service<
  Orders,
  {
    /** Answers whether the shop knew them before. */
    readonly place: (order: typeof Order.Type) => Effect.Effect<{ readonly returning: boolean }, OrderRefused>
  }
>()("shop/Orders") {
  static readonly layer = Layer.effect(
    Orders,
    Effect.gen(function* () {
      const events = yield* EventIngest
      const identity = yield* IdentityResolver
      const analytics = yield* AnalyticsProvider

      const place = Effect.fn("Orders.place")(
        function* ({ email, total }: typeof Order.Type) {
          const before = yield* identity.whose({ email })
          const event = { name: "order.placed", email, value: total, currency: "EUR" }
          const { contactKey } = yield* events.ingest(shop, event, { userTokens: [] })
          const returning = before.contactId !== null
          yield* analytics.capture({ distinctId: contactKey, event: "order placed", properties: { total, returning } })
          return { returning }
        },
        Effect.mapError(({ error }) => new OrderRefused({ error }))
      )
      return Orders.of({ place })
    })
  )
}
// #endregion
