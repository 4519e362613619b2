/** Reads a user token as its documentation says, and not as the engine does. */
import { createHmac } from "node:crypto"

/** What it says, when it was signed with the secret. */
export const verifyToken = (token: string, secret: string): unknown => {
  const [payload = "", signature] = token.split(".")
  const good = createHmac("sha256", secret).update(payload).digest("base64url") === signature
  return good ? JSON.parse(Buffer.from(payload, "base64url").toString()) : undefined
}
