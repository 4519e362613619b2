/** A `userToken` as a backend in any language makes it: from the published description, not with our code. */
import { createHmac } from "node:crypto"
import { tokenSecret } from "@hogsend/testing"

/** Unix seconds, `seconds` from now. */
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** Signs whatever it is given, so that tests can make what no honest backend would. */
export const signPayload = (payload: unknown, secret = tokenSecret): string => {
  const encoded = Buffer.from(JSON.stringify(payload)).toString("base64url")
  return `${encoded}.${createHmac("sha256", secret).update(encoded).digest("base64url")}`
}

/** Good for an hour. */
export const signToken = (userId: string, secret = tokenSecret): string =>
  signPayload({ userId, exp: inSeconds(3600) }, secret)
