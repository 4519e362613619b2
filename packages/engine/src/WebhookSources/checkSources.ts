/** Whether sources can be set up as they are, before any of them is. Pure. */
import type { WebhookSource } from "@hogsend/core"
import { Privacy } from "../Privacy.ts"

/** What routes, other providers' webhooks and other ways in are called. */
const reservedIds = ["admin", "api", "crm", "email", "hogsend", "inapp", "resend", "sms"]

/** A sentence about the first thing that is wrong, or undefined. */
export const checkSources = (sources: ReadonlyArray<WebhookSource>): string | undefined => {
  const ids = sources.map(({ meta }) => meta.id)
  const wrong = sources.flatMap((source) => wrongWith(source) ?? [])
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  return wrong[0] ?? (twice === undefined ? undefined : `There are two webhook sources with the id "${twice}".`)
}

const wrongWith = ({ auth, meta: { id } }: WebhookSource): string | undefined => {
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)) {
    return `A webhook source's id is made of lower-case letters, digits, "-" and "_", at most 64 of them: "${id}" is not.`
  }
  if (reservedIds.includes(id)) return `No webhook source can have the id "${id}": it is reserved.`
  return auth.type === "secret" && !Privacy.isPrivateHeader(auth.header)
    ? `The header "${auth.header}" of the webhook source "${id}" would stand in traces with its secret. Use one whose name has auth, key, secret or token in it, or Authorization.`
    : undefined
}
