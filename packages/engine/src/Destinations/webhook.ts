/** The kind `webhook`: the envelope as it is, posted to the endpoint's URL. The queue signs it. */
import { defineDestination, type DestinationRequest, outboundEventNames } from "@hogsend/core"

/** What is sent of an envelope that is already the JSON text that it is kept as. */
export const webhookRequest = (body: string, url: string | null): DestinationRequest => {
  if (url === null) throw new Error(urlMissing)
  return { url, headers: { "content-type": "application/json" }, body }
}

export const webhook = defineDestination({
  meta: {
    id: "webhook",
    name: "Signed webhook",
    description: "Posts the envelope, signed by the Standard Webhooks specification."
  },
  events: outboundEventNames,
  check: ({ url }) => {
    if (url === null) throw new Error(urlMissing)
  },
  transform: (envelope, { endpoint }) => webhookRequest(JSON.stringify(envelope), endpoint.url)
})

const urlMissing = "An endpoint of the kind webhook needs a url: where the events are posted to."
