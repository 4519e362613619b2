/** Checks a webhook's signature as a receiver does, by the Standard Webhooks specification and not with the engine's code. */
import type { VettedRequest } from "@hogsend/engine"
import { createHmac } from "node:crypto"

/** Whether any of the secrets (`whsec_…`) signed it. How old it is does not matter: a test moves the clock. */
export const isSignedBy = (
  secrets: ReadonlySet<string>,
  { body, headers }: Pick<VettedRequest, "body" | "headers">
): boolean => {
  const signatures = (headers["webhook-signature"] ?? "").split(" ")
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
  return [...secrets].some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64")
    return signatures.includes(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`)
  })
}
