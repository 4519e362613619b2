/**
 * A destination: what a message to a Discord channel looks like. Hogsend sends it, and tries again when Discord is down.
 * Nothing is sent before there is an endpoint of this kind: the README makes one.
 */
import { defineDestination } from "@hogsend/core"

export const discord = defineDestination({
  meta: { id: "discord", name: "Discord", failureHint: "Is the webhook still there, in the channel's integrations?" },
  events: ["contact.created"],
  check: ({ url }) => {
    if (url === null) throw new Error("Give the URL of a webhook of your channel.")
  },
  transform: ({ data, type }, { endpoint }) => ({
    url: String(endpoint.url),
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      content: type === "contact.created" ? `Somebody new: ${data.userId}` : `Hogsend says ${type}.`,
      allowed_mentions: { parse: [] }
    })
  })
})
