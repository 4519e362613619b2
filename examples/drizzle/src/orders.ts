/** What the app does with its table: it writes orders under a contact key, and follows what becomes of people. */
import { desc, eq, inArray } from "drizzle-orm"
import type { NodePgDatabase } from "drizzle-orm/node-postgres"
import { orders } from "./schema.ts"

// #region orders
/** `contactKey` is the user's id, and what Hogsend answers to every event and contact that it takes. */
export const placeOrder = (db: NodePgDatabase, order: typeof orders.$inferInsert) => db.insert(orders).values(order)

export const ordersOf = (db: NodePgDatabase, contactKey: string) =>
  db.select().from(orders).where(eq(orders.contactKey, contactKey)).orderBy(desc(orders.placedAt))
// #endregion

// #region follow
/** A webhook of Hogsend's, once its signature is verified. It may arrive twice, and does the same twice. */
export interface ContactWebhook {
  readonly type: string
  readonly data: { readonly userId: string; readonly previousKeys?: ReadonlyArray<{ readonly userId: string }> }
}

export const followContact = async (db: NodePgDatabase, { data, type }: ContactWebhook) => {
  if (type === "contact.merged") {
    const previous = (data.previousKeys ?? []).map(({ userId }) => userId)
    await db.update(orders).set({ contactKey: data.userId }).where(inArray(orders.contactKey, previous))
  }
  if (type === "contact.deleted") await db.delete(orders).where(eq(orders.contactKey, data.userId))
}
// #endregion
