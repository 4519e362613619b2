/** Hogsend inside of a bare Node server: its API below /hogsend, and events from the app's own code. */
// #region client
import { createHogsendClient } from "@hogsend/node"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"

// The database and the secret are DATABASE_URL and BETTER_AUTH_SECRET, read when the client is first used.
export const hogsend = createHogsendClient({ basePath: "/hogsend", adminApiKey: process.env.ADMIN_API_KEY })
// #endregion

/** Your own login: whoever this request is from, or nobody. */
const userOf = (request: IncomingMessage) => request.headers["x-demo-user"]?.toString()

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))

const answer = async (request: IncomingMessage, response: ServerResponse) => {
  if (request.url?.startsWith("/hogsend/")) return hogsend.nodeHandler(request, response)

  const userId = userOf(request)
  if (userId === undefined) return json(response, 401, { error: "Log in." })
  // #region uses
  switch (`${request.method} ${request.url}`) {
    // For the browser, which shows it with what it sends as this user.
    case "POST /user-token":
      return json(response, 200, { userToken: await hogsend.userTokens.generate({ userId }) })
    case "POST /orders":
      await hogsend.events.send({ name: "order.placed", userId, value: 49.9, currency: "EUR" })
      return json(response, 201, {})
  }
  // #endregion
  return json(response, 404, { error: "Nothing is here." })
}

// #region serve
export const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error)
    json(response, 500, { error: "That did not work." })
  })
})

server.listen(Number(process.env.PORT ?? 3000))

process.once("SIGTERM", () => {
  // At the same time: a stream of Hogsend's is open until it is disposed, and the server until its last answer.
  server.close()
  return hogsend.dispose()
})
// #endregion
