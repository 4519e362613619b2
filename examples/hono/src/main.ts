/** Hogsend inside of a Hono app on Node: its API below /hogsend, and events from the app's own code. */
import { createHogsendClient } from "@hogsend/node"
import { serve } from "@hono/node-server"
import { getConnInfo } from "@hono/node-server/conninfo"
import { type Context, Hono } from "hono"

// The database and the secret are DATABASE_URL and BETTER_AUTH_SECRET, read when the client is first used.
export const hogsend = createHogsendClient({ basePath: "/hogsend", adminApiKey: process.env.ADMIN_API_KEY })

/** Your own login: whoever this request is from, or nobody. */
const userOf = (c: Context) => c.req.header("x-demo-user")

// #region app
const app = new Hono()

app.all("/hogsend/*", (c) => hogsend.handler(c.req.raw, { remoteAddress: getConnInfo(c).remote.address }))

// For the browser, which shows it with what it sends as this user.
app.post("/user-token", async (c) => {
  const userId = userOf(c)
  if (userId === undefined) return c.json({ error: "Log in." }, 401)
  return c.json({ userToken: await hogsend.userTokens.generate({ userId }) })
})

app.post("/orders", async (c) => {
  const userId = userOf(c)
  if (userId === undefined) return c.json({ error: "Log in." }, 401)
  await hogsend.events.send({ name: "order.placed", userId, value: 49.9, currency: "EUR" })
  return c.json({}, 201)
})
// #endregion

export const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })

process.once("SIGTERM", () => {
  // At the same time: a stream of Hogsend's is open until it is disposed, and the server until its last answer.
  server.close()
  return hogsend.dispose()
})
