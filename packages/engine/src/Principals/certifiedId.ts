/**
 * Certified anonymous ids: an id that only the holder of its secret can act as.
 *
 * A browser SDK keeps one random secret and derives its anonymous id from it, so the server can recompute the id and
 * nothing needs to be stored, expires or can be squatted. Does not decide what a proven id may do.
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Result from "effect/Result"
import { sha256 } from "../SyncCrypto.ts"

const refused = Result.fail(
  "The device secret must be 32 random bytes as unpadded base64url: 43 characters, as the Hogsend SDK makes it."
)

/**
 * The anonymous id that belongs to a device secret (43 characters of canonical base64url, 32 bytes): the first 16 bytes
 * of their SHA-256, with version 8 and variant 10 set as in RFC 9562, as lower-case uuid text. Fails with a sentence
 * for anything else, so one secret has one spelling.
 */
export const certifiedAnonymousId = (deviceSecret: string): Result.Result<string, string> => {
  if (deviceSecret.length !== 43) return refused
  const decoded = Base64Url.decode(deviceSecret)
  // Encoding again is what refuses unused bits that are not zero, and the line breaks that the decoder skips.
  if (Result.isFailure(decoded) || Base64Url.encode(decoded.success) !== deviceSecret) return refused
  const id = sha256(decoded.success).slice(0, 16)
  id[6] = (id[6]! & 0x0f) | 0x80
  id[8] = (id[8]! & 0x3f) | 0x80
  const hex = Hex.encode(id)
  return Result.succeed(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  )
}
