/** Hogsend inside of an Express app: its API below /hogsend, and events from the app's own code. */
import { createHogsendClient } from "@hogsend/node"
import express, { type Request } from "express"

// The database and the secret are DATABASE_URL and BETTER_AUTH_SECRET, read when the client is first used.
export const hogsend = createHogsendClient({ adminApiKey: process.env.ADMIN_API_KEY })

/** Your own login: whoever this request is from, or nobody. */
const userOf = (request: Request) => request.get("x-demo-user")

// #region app
const app = express()

// Before any body parser: the engine reads bodies itself. Express takes the path off, so the client needs no basePath.
app.use("/hogsend", hogsend.nodeHandler)
app.use(express.json())

// For the browser, which shows it with what it sends as this user.
app.post("/user-token", async (request, response) => {
  const userId = userOf(request)
  if (userId === undefined) return void response.status(401).json({ error: "Log in." })
  response.json({ userToken: await hogsend.userTokens.generate({ userId }) })
})

app.post("/orders", async (request, response) => {
  const userId = userOf(request)
  if (userId === undefined) return void response.status(401).json({ error: "Log in." })
  await hogsend.events.send({ name: "order.placed", userId, value: request.body.total, currency: "EUR" })
  response.status(201).json({})
})
// #endregion

export const server = app.listen(Number(process.env.PORT ?? 3000))

process.once("SIGTERM", () => {
  // At the same time: a stream of Hogsend's is open until it is disposed, and the server until its last answer.
  server.close()
  return hogsend.dispose()
})
