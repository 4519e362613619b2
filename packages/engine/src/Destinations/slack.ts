/** The kind `slack`: a line of text to an incoming webhook of Slack, with nothing of a person but the contact key. */
import { defineDestination, type DestinationContext, type OutboundEnvelope, outboundEventNames } from "@hogsend/core"
import { urlIn } from "./configSettings.ts"

/** That of the config, which is not shown: who knows it can post. */
const urlOf = ({ config, url }: Pick<DestinationContext["endpoint"], "config" | "url">): string => {
  const found = urlIn(config, "url", "https://hooks.slack.com/services/…")?.href ?? url
  if (found === null) throw new Error("Set config.url to the URL of an incoming webhook in Slack.")
  return found
}

export const slack = defineDestination({
  meta: {
    id: "slack",
    name: "Slack",
    description: "Posts a line for each event.",
    failureHint: "Check config.url: the incoming webhook may have been revoked in Slack."
  },
  events: outboundEventNames,
  configNames: ["url"],
  check: (endpoint) => {
    urlOf(endpoint)
  },
  transform: (envelope, { endpoint }) => ({
    url: urlOf(endpoint),
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: escaped(lineOf(envelope)) })
  })
})

const lineOf = ({ data, type }: OutboundEnvelope): string =>
  type === "endpoint.disabled"
    ? `${type}: ${String(data.endpointId)} (${String(data.kind)}). ${String(data.reason)}`
    : `${type}: ${String(data.userId)}`

/** Slack reads `<!channel>` as a call of everybody, and a visitor's browser chooses its id itself. */
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
