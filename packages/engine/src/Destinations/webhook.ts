/** The kind `webhook`: the envelope as it is, posted to the endpoint's URL. The queue signs it. */
import { defineDestination, outboundEventNames } from "@hogsend/core"

export const webhook = defineDestination({
  meta: {
    id: "webhook",
    name: "Signed webhook",
    description: "Posts the envelope, signed by the Standard Webhooks specification."
  },
  events: outboundEventNames,
  transform: (envelope, { endpoint }) => {
    if (endpoint.url === null) throw new Error("A webhook needs a url.")
    return {
      url: endpoint.url,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(envelope)
    }
  }
})
