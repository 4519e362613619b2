import { defineDestination } from "@hogsend/core"

export const crm = defineDestination({
  meta: { id: "crm", name: "Our CRM" },
  events: ["contact.created", "contact.updated", "contact.deleted"],
  transform: (envelope, { endpoint, logger }) => {
    const { token } = endpoint.config
    if (typeof token !== "string") throw new Error("Set config.token.")
    const { contactKeyKind, properties, userId } = envelope.data
    if (contactKeyKind !== "external") {
      logger.debug("Nobody that the CRM knows")
      return null
    }
    return {
      url: `https://crm.example.com/people/${encodeURIComponent(String(userId))}`,
      method: envelope.type === "contact.deleted" ? "DELETE" : "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ properties: properties ?? {} })
    }
  }
})
