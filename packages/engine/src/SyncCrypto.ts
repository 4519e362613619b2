/**
 * SHA-256, HMAC and random bytes, synchronously: the only file that imports `node:crypto`.
 *
 * Synchronous because WebCrypto answers with a promise for every digest, which costs more than the digest itself
 * (16,000 signatures a second against 415,000), and because `generateUserToken` must work as a plain function in a
 * user's backend. Pure apart from `randomBytes`. Knows nothing of tokens, keys or purposes.
 */
import { createHash, createHmac, randomBytes as nodeRandomBytes, timingSafeEqual } from "node:crypto"

/** The 32 bytes of SHA-256 over bytes, or over the UTF-8 of a string. */
export const sha256 = (data: Uint8Array | string): Uint8Array =>
  new Uint8Array(createHash("sha256").update(data).digest())

/** SHA-256 over the UTF-8 of a string, as 64 lower-case hex digits. */
export const sha256Hex = (data: string): string => createHash("sha256").update(data).digest("hex")

/** The 32 bytes of HMAC-SHA256 (RFC 2104); strings are taken as UTF-8. */
export const hmacSha256 = (key: Uint8Array | string, data: Uint8Array | string): Uint8Array =>
  new Uint8Array(createHmac("sha256", key).update(data).digest())

/**
 * Whether two byte strings are equal, in a time that does not depend on where they differ. Unequal lengths are `false`:
 * that a length is visible is fine for digests, which all have the same.
 */
export const constantTimeEquals = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b)

/** `n` random bytes from the system's generator. */
export const randomBytes = (n: number): Uint8Array => new Uint8Array(nodeRandomBytes(n))
