/** Orders: rows of this app's own table, and an event of each. A person is their contact key, which for a user is the user id. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import type { Hogsend } from "./app.ts"

export interface Order {
  readonly id: string
  readonly total: number
  readonly userId: string
}

/** Placed twice it is one order and one event. */
export const placeOrder = async (hogsend: Hogsend, { id, total, userId }: Order) => {
  await hogsend.run(
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`insert into orders (id, contact_key, total) values (${id}, ${userId}, ${total}) on conflict do nothing`
    })
  )
  await hogsend.events.send(
    { name: "order.placed", userId, value: total, currency: "EUR", eventProperties: { orderId: id } },
    { idempotencyKey: `order-${id}` }
  )
}

export const ordersOf = (hogsend: Hogsend, userId: string) =>
  hogsend.run(
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      return yield* sql<{ id: string; total: number }>`
        select id, total::float8 as total from orders where contact_key = ${userId} order by placed_at desc`
    })
  )
