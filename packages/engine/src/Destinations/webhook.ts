/** The kind `webhook`: the envelope as it is, posted to the endpoint's URL. The queue signs it. */
import { defineDestination, type DestinationRequest, outboundEventNames } from "@hogsend/core"

/** What is sent of an envelope that is already the JSON text that it is kept as. */
export const webhookRequest = (body: string, url: string | null): DestinationRequest => {
  if (url === null) throw new Error("A webhook needs a url.")
  return { url, headers: { "content-type": "application/json" }, body }
}

export const webhook = defineDestination({
  meta: {
    id: "webhook",
    name: "Signed webhook",
    description: "Posts the envelope, signed by the Standard Webhooks specification."
  },
  events: outboundEventNames,
  transform: (envelope, { endpoint }) => webhookRequest(JSON.stringify(envelope), endpoint.url)
})
