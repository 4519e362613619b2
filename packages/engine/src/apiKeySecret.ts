/** What an API key is made of: a prefix that tells its class, and 32 random bytes. Only its SHA-256 is kept. */
import * as Base64Url from "effect/encoding/Base64Url"
import { randomBytes, sha256Hex } from "./SyncCrypto.ts"

export interface ApiKeySecret {
  readonly key: string
  readonly keyPrefix: string
  readonly keyHash: string
}

/** `hsk_` + 43 characters, or `pk_` + 43. */
export const mintApiKeySecret = (publishable: boolean): ApiKeySecret => {
  const key = `${publishable ? "pk_" : "hsk_"}${Base64Url.encode(randomBytes(32))}`
  return { key, keyPrefix: key.slice(0, 8), keyHash: sha256Hex(key) }
}

export const isPublishable = (keyOrPrefix: string): boolean => keyOrPrefix.startsWith("pk_")

/** Whether a bearer has the form of a key of ours; one that has not is never looked up. */
export const isWellFormed = (bearer: string): boolean => /^(?:hsk|pk)_[A-Za-z0-9_-]{43}$/.test(bearer)
