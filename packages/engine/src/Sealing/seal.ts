/**
 * The wire form of what is sealed: `v1.<key id>.<base64url(iv, ciphertext, tag)>`, unpadded.
 *
 * AES-256-GCM under a key of its own for every purpose, derived by HKDF-SHA256 from a root secret; the place that a seal is
 * made for is associated data, so that it opens nowhere else. The key id, derived as well, says which root secret it was
 * and nothing of it. One sealed text has exactly one spelling. Pure: the caller brings the random bytes.
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decryptAes256Gcm, encryptAes256Gcm, gcmTagLength, hkdfSha256 } from "../SyncCrypto.ts"

/** What a seal is made for and where it is kept; it opens with the same place only. */
export interface Place {
  /** What it is for. Each purpose has a key of its own. */
  readonly purpose: string
  readonly table: string
  /** The row's primary key. */
  readonly row: string
  readonly column: string
}

/** It was altered, cut, moved to another place, or never was one of ours. */
export class SealBroken extends Schema.TaggedError<SealBroken>()("SealBroken", {}) {}

/** It was sealed under a secret that is not here. */
export class SealingKeyMissing extends Schema.TaggedError<SealingKeyMissing>()("SealingKeyMissing", {
  /** Of the secret that is missing. */
  keyId: Schema.String
}) {}

/** A secret that keys are derived from. */
export interface RootKey {
  readonly id: string
  readonly secret: string
}

const version = "v1"
const salt = `hogsend/sealing/${version}`
const ivLength = 12
const keyIdLength = 8

/** Random bytes that `seal` takes. */
export const sealIvLength = ivLength

export const rootKey = (secret: string): RootKey => ({
  id: Base64Url.encode(hkdfSha256(secret, salt, "key id").subarray(0, keyIdLength)),
  secret
})

const keyFor = ({ secret }: RootKey, { purpose }: Place) => hkdfSha256(secret, salt, `purpose ${purpose}`)

const associatedData = ({ column, purpose, row, table }: Place): Uint8Array =>
  new TextEncoder().encode(JSON.stringify([version, purpose, table, row, column]))

/** Seals for the place. `iv` is `sealIvLength` random bytes, new each time. */
export const seal = (root: RootKey, plain: Uint8Array, place: Place, iv: Uint8Array): string => {
  const sealed = encryptAes256Gcm(keyFor(root, place), iv, plain, associatedData(place))
  const bytes = new Uint8Array(ivLength + sealed.length)
  bytes.set(iv)
  bytes.set(sealed, ivLength)
  return `${version}.${root.id}.${Base64Url.encode(bytes)}`
}

/** Opens what was sealed for the place under any of the root keys. */
export const open = (
  roots: ReadonlyArray<RootKey>,
  sealed: string,
  place: Place
): Result.Result<Uint8Array, SealBroken | SealingKeyMissing> => {
  const parts = partsOf(sealed)
  if (parts === undefined) return Result.fail(new SealBroken())
  const root = roots.find(({ id }) => id === parts.keyId)
  if (root === undefined) return Result.fail(new SealingKeyMissing({ keyId: parts.keyId }))
  const [iv, body] = [parts.bytes.subarray(0, ivLength), parts.bytes.subarray(ivLength)]
  return Result.mapError(decryptAes256Gcm(keyFor(root, place), iv, body, associatedData(place)), () => new SealBroken())
}

/** Whether it was sealed under this root key, if it is sound. */
export const isSealedUnder = (root: RootKey, sealed: string): boolean => partsOf(sealed)?.keyId === root.id

const partsOf = (sealed: string) => {
  const [itsVersion, keyId = "", body = "", ...more] = sealed.split(".")
  const [id, bytes] = [canonicalBytes(keyId), canonicalBytes(body)]
  const sound = itsVersion === version && more.length === 0 && id?.length === keyIdLength
  return sound && bytes !== undefined && bytes.length >= ivLength + gcmTagLength ? { keyId, bytes } : undefined
}

const canonicalBytes = (text: string): Uint8Array | undefined => {
  const decoded = Base64Url.decode(text)
  return Result.isSuccess(decoded) && Base64Url.encode(decoded.success) === text ? decoded.success : undefined
}
