/** The host app's own tables. None of them refers to a table of Hogsend's: a person is their contact key, as text. */
import { index, integer, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core"

export const orders = pgTable(
  "orders",
  {
    id: uuid().primaryKey().defaultRandom(),
    contactKey: text("contact_key").notNull(),
    total: integer().notNull(),
    currency: text().notNull().default("EUR"),
    placedAt: timestamp("placed_at", { withTimezone: true }).notNull().defaultNow()
  },
  (table) => [index("orders_contact_key").on(table.contactKey).concurrently()]
)
