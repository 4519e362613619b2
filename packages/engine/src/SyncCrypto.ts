/**
 * SHA-256, HMAC, HKDF, AES-256-GCM and random bytes, synchronously: the only file that imports `node:crypto`.
 *
 * Synchronous because WebCrypto answers with a promise for every digest, which costs more than the digest itself
 * (16,000 signatures a second against 415,000), and because `generateUserToken` must work as a plain function in a
 * user's backend. Pure apart from `randomBytes`. Knows nothing of tokens, keys or purposes.
 */
import * as Result from "effect/Result"
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes as nodeRandomBytes,
  timingSafeEqual
} from "node:crypto"

/** The 32 bytes of SHA-256 over bytes, or over the UTF-8 of a string. */
export const sha256 = (data: Uint8Array | string): Uint8Array =>
  new Uint8Array(createHash("sha256").update(data).digest())

/** SHA-256 over the UTF-8 of a string, as 64 lower-case hex digits. */
export const sha256Hex = (data: string): string => hash("sha256", data, "hex")

/** A key that is ready for use: a fifth of the cost of one that is not. */
export type HmacKey = KeyObject

export const hmacKey = (key: Uint8Array | string): HmacKey =>
  typeof key === "string" ? createSecretKey(key, "utf8") : createSecretKey(key)

/** The 32 bytes of HMAC-SHA256 (RFC 2104); strings are taken as UTF-8. */
export const hmacSha256 = (key: HmacKey | Uint8Array | string, data: Uint8Array | string): Uint8Array =>
  new Uint8Array(createHmac("sha256", key).update(data).digest())

/** The 20 bytes of HMAC-SHA1: only to verify what vendors sign so; as an HMAC it is not broken. */
export const hmacSha1 = (key: HmacKey | string, data: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac("sha1", key).update(data).digest())

/** A key of 32 bytes out of a secret, by HKDF-SHA256 (RFC 5869): another one for every `info`. */
export const hkdfSha256 = (secret: Uint8Array | string, salt: Uint8Array | string, info: Uint8Array | string) =>
  new Uint8Array(hkdfSync("sha256", secret, salt, info, 32))

/** How many bytes of `encryptAes256Gcm`'s answer are its tag. */
export const gcmTagLength = 16

/** AES-256-GCM (NIST SP 800-38D): the ciphertext and its tag. An `iv` of 12 bytes is used with one key only once. */
export const encryptAes256Gcm = (
  key: Uint8Array,
  iv: Uint8Array,
  plain: Uint8Array,
  associated: Uint8Array
): Uint8Array => {
  const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: gcmTagLength }).setAAD(associated)
  return new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]))
}

/** Undoes `encryptAes256Gcm`; fails when anything of it, or the associated data, is not what it was. */
export const decryptAes256Gcm = (
  key: Uint8Array,
  iv: Uint8Array,
  sealed: Uint8Array,
  associated: Uint8Array
): Result.Result<Uint8Array, unknown> =>
  Result.try(() => {
    const at = Math.max(0, sealed.length - gcmTagLength)
    const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: gcmTagLength })
      .setAAD(associated)
      .setAuthTag(sealed.subarray(at))
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, at)), decipher.final()]))
  })

/**
 * Whether two byte strings are equal, in a time that does not depend on where they differ. Unequal lengths are `false`:
 * that a length is visible is fine for digests, which all have the same.
 */
export const constantTimeEquals = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b)

/** The same for two hex digests. */
export const isSameDigest = (a: string, b: string): boolean => constantTimeEquals(Buffer.from(a), Buffer.from(b))

/** The bytes of unpadded base64url (RFC 4648); undefined for any text that is not the one spelling of its bytes. */
export const bytesOfBase64Url = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, "base64url")
  return bytes.toString("base64url") === text ? bytes : undefined
}

/** `n` random bytes from the system's generator. */
export const randomBytes = (n: number): Uint8Array => new Uint8Array(nodeRandomBytes(n))
