/** The routes of this app, and Hogsend's API below /hogsend. */
import type { HogsendClient } from "@hogsend/node"
import type { HttpBindings } from "@hono/node-server"
import { Hono } from "hono"
import { ordersOf, placeOrder } from "./orders.ts"
import { sessions } from "./session.ts"

/** What the app asks of Hogsend. */
export interface Hogsend extends Pick<HogsendClient, "handler" | "run"> {
  readonly events: Pick<HogsendClient["events"], "send">
  readonly userTokens: HogsendClient["userTokens"]
}

export const createApp = (hogsend: Hogsend, sessionSecret: string) => {
  const app = new Hono<{ Bindings: Partial<HttpBindings> }>()
  const { logIn, userOf } = sessions(sessionSecret)

  app.all("/hogsend/*", (c) => hogsend.handler(c.req.raw, { remoteAddress: c.env?.incoming?.socket.remoteAddress }))

  app.post("/login", async (c) => {
    const { userId } = await c.req.json()
    if (typeof userId !== "string" || userId === "") return c.json({ error: "Say who you are: userId." }, 400)
    return (await logIn(c, userId)) ? c.json({ userId }) : c.json({ error: "Put a real login here." }, 501)
  })

  // For the browser, which shows it with what it sends to Hogsend as this user.
  app.post("/user-token", async (c) => {
    const userId = await userOf(c)
    if (userId === undefined) return c.json({ error: "Log in." }, 401)
    return c.json({ userToken: await hogsend.userTokens.generate({ userId }) })
  })

  app.get("/orders", async (c) => {
    const userId = await userOf(c)
    if (userId === undefined) return c.json({ error: "Log in." }, 401)
    return c.json({ orders: await ordersOf(hogsend, userId) })
  })

  app.post("/orders", async (c) => {
    const userId = await userOf(c)
    if (userId === undefined) return c.json({ error: "Log in." }, 401)
    const { id, total } = await c.req.json()
    if (typeof id !== "string" || typeof total !== "number") return c.json({ error: "Send an id and a total." }, 400)
    await placeOrder(hogsend, { id, total, userId })
    return c.json({ id }, 201)
  })

  return app
}
