/** What the shop tells with Effect: the same calls, with every failure in the type. */
// #region orders
import { Hogsend } from "@hogsend/client/effect"
import { Effect } from "effect"

/** Whether the order is new. */
export const orderPlaced = Effect.fn("orderPlaced")(
  function* (order: { id: string; userId: string; total: number }) {
    const { events } = yield* Hogsend
    const { stored } = yield* events.track({
      name: "order.placed",
      userId: order.userId,
      eventProperties: { orderId: order.id },
      value: order.total,
      currency: "EUR",
      idempotencyKey: `order-${order.id}`
    })
    return stored
  },
  // The same order with another total: somebody is mistaken.
  Effect.catchTag("IdempotencyKeyReused", ({ error }) => Effect.as(Effect.logWarning(error), false))
)
// #endregion
