/** The shop's server: its own routes, and the one that Hogsend's webhooks come to. */
import { verifyHogsendWebhook, WebhookVerificationError } from "@hogsend/client"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { forget, orderPlaced, signedUp } from "./hogsend.ts"

/** What the shop keeps of people by itself: each one's plan, under the contact key. */
const plans = new Map<string, unknown>()

const bodyOf = async (request: IncomingMessage) => Buffer.concat(await request.toArray())

// #region webhook
const hear = async (request: IncomingMessage) => {
  const event = verifyHogsendWebhook({
    payload: await bodyOf(request),
    headers: request.headers,
    secret: process.env.HOGSEND_WEBHOOK_SECRET ?? ""
  })
  switch (event.type) {
    case "contact.created":
    case "contact.updated":
      return plans.set(event.data.userId, event.data.properties.plan)
    case "contact.merged":
      return event.data.previousKeys.forEach(({ userId }) => plans.delete(userId))
    case "contact.deleted":
      return plans.delete(event.data.userId)
    default:
      return console.log(`Nothing to do for ${event.type}`)
  }
}
// #endregion

const answer = async (request: IncomingMessage) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://shop")
  switch (`${request.method} ${pathname}`) {
    case "POST /signups": {
      const { user, visitorId } = JSON.parse(String(await bodyOf(request)))
      return signedUp(user, visitorId)
    }
    case "POST /orders":
      return orderPlaced(JSON.parse(String(await bodyOf(request))))
    case "DELETE /users":
      return { erasure: await forget(searchParams.get("id") ?? "") }
    case "GET /plans":
      return Object.fromEntries(plans)
    case "POST /webhooks/hogsend":
      await hear(request)
      return { heard: true }
  }
  throw new NotFound()
}

class NotFound extends Error {}

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))

export const server = createServer((request, response) => {
  answer(request).then(
    (body) => json(response, 200, body),
    (error: unknown) => {
      // #region refuse
      if (error instanceof WebhookVerificationError) return json(response, 401, { error: error.message })
      // #endregion
      if (error instanceof NotFound) return json(response, 404, { error: "Nothing is here." })
      console.error(error)
      return json(response, 500, { error: "That did not work." })
    }
  )
})

server.listen(Number(process.env.PORT ?? 3000))

process.once("SIGTERM", () => server.close())
