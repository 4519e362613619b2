/** What a shop tells a Hogsend that runs somewhere else. */
// #region client
import { Hogsend, HogsendAPIError } from "@hogsend/client"

const { HOGSEND_URL = "", HOGSEND_API_KEY = "" } = process.env

export const hogsend = new Hogsend({ baseUrl: HOGSEND_URL, apiKey: HOGSEND_API_KEY })
// #endregion

// #region sending
/** A visitor, as the page knew them, became a user. */
export const signedUp = (user: { id: string; email: string; plan: string }, visitorId: string | undefined) =>
  hogsend.contacts.upsert({
    userId: user.id,
    email: user.email,
    anonymousId: visitorId,
    properties: { plan: user.plan, signedUpAt: new Date() }
  })

/** The order's own id is the key: whatever calls this twice, it is stored once. */
export const orderPlaced = (order: { id: string; userId: string; total: number }) =>
  hogsend.events.send({
    name: "order.placed",
    userId: order.userId,
    eventProperties: { orderId: order.id },
    value: order.total,
    currency: "EUR",
    idempotencyKey: `order-${order.id}`
  })
// #endregion

// #region errors
/** Erases somebody. Whom nobody knows is erased already. */
export const forget = async (userId: string) => {
  try {
    const { erasure } = await hogsend.contacts.delete({ userId })
    return erasure.status
  } catch (error) {
    if (error instanceof HogsendAPIError && error.tag === "ContactNotFound") return "done"
    throw error
  }
}
// #endregion
