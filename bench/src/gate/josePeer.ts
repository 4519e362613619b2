/** The peer: `jose` verifies a JWT that says what a user token says, signed with HS256 under one key that is ready for use. */
import { jwtVerify, SignJWT } from "jose"
import { createSecretKey } from "node:crypto"

/** A token for each user, and what verifies one; it throws when a token is not good. */
export const josePeer = async (secret: string, userIds: ReadonlyArray<string>) => {
  const bytes = new TextEncoder().encode(secret)
  const algorithm = { name: "HMAC", hash: "SHA-256" }
  const cryptoKey = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"])
  const tokens = await Promise.all(
    userIds.map((userId) =>
      new SignJWT({ userId }).setProtectedHeader({ alg: "HS256" }).setIssuedAt().setExpirationTime("1h").sign(cryptoKey)
    )
  )
  const keys = { cryptoKey, keyObject: createSecretKey(bytes) }
  return {
    tokens,
    verify: async (token: string, key: keyof typeof keys) => {
      const { payload } = await jwtVerify(token, keys[key], { algorithms: ["HS256"] })
      return payload["userId"]
    }
  }
}
