/** What was given up, and which endpoints are sent nothing. Pure. */
import type { DeadLetter, WebhookEndpoint } from "@hogsend/client"
import { endpointDisabledBy } from "@hogsend/core"
import { counted } from "./counted.ts"
import { fail, type Finding, ok, worstOf } from "./Check.ts"

/** Some of the dead letters, those that happened last first, and how many there are. */
export const deadLettersFinding = (
  { items, total }: { readonly items: ReadonlyArray<DeadLetter>; readonly total: number },
  endpoints: ReadonlyArray<WebhookEndpoint>
): Finding => {
  if (total === 0) return ok("There are none.")
  const byEndpoint = Map.groupBy(items, ({ endpointId }) => endpointId)
  const told = [...byEndpoint].map(([id, letters]) => {
    const count = items.length < total ? `${letters.length} of the last ${items.length}` : String(letters.length)
    const last = letters[0]?.lastError ?? `status ${letters[0]?.lastStatus ?? "unknown"}`
    return `${count} to ${nameOf(endpoints.find((endpoint) => endpoint.id === id)) ?? id}, the last for: ${last}`
  })
  const [first = "ENDPOINT"] = byEndpoint.keys()
  return fail(
    `${counted(total, "delivery")} given up: ${told.join("; ")}`,
    `When the receiver works again: hogsend webhooks replay ${first} --missing-only. What nobody wants: DELETE /v1/admin/dlq/{id}.`
  )
}

export const endpointsFinding = (endpoints: ReadonlyArray<WebhookEndpoint>): Finding => {
  const troubled = endpoints.flatMap((endpoint) => {
    const { circuit, disabledReason, id, status } = endpoint
    const name = nameOf(endpoint) ?? id
    if (status === "disabled") {
      return isMeant(disabledReason)
        ? []
        : [
            fail(
              `${name} is disabled: ${disabledReason ?? "nobody says why."}`,
              `Mend the receiver, then: hogsend webhooks update ${id} --no-disabled`
            )
          ]
    }
    return circuit === "open"
      ? [
          fail(
            `${name} fails, and is left alone but for a delivery now and then.`,
            `Mend the receiver; what it says: hogsend webhooks deliveries ${id}`
          )
        ]
      : []
  })
  const disabled = endpoints.filter(({ status }) => status === "disabled").length
  const meant = disabled === 0 ? "" : `, ${disabled} of them disabled, which somebody meant`
  return worstOf(troubled) ?? ok(`${counted(endpoints.length, "endpoint")}${meant}.`)
}

const isMeant = (reason: string | null): boolean =>
  reason === endpointDisabledBy.operator || reason === endpointDisabledBy.configuration

/** Where it goes, without what else its address holds, which may be a credential. */
const nameOf = (endpoint: WebhookEndpoint | undefined): string | undefined => {
  if (endpoint === undefined) return undefined
  const url = endpoint.url === null ? null : URL.parse(endpoint.url)
  return url === null ? `the endpoint ${endpoint.kind}` : url.host
}
