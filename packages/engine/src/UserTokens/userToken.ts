/**
 * The `userToken`: a backend's signed word that a browser is a certain user.
 *
 * Wire form: `base64url(JSON {userId, iat, exp})` + `.` + `base64url(HMAC-SHA256(secret, first part))`, unpadded, in Unix
 * seconds, `exp` whole ones; `iat` may be left out. Signed, not encrypted. A token has exactly one spelling: whatever was
 * altered, padded or appended is refused. Pure but for `generateUserToken`'s reading of the clock; does not know what a
 * verified user may do.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { bytesOfBase64Url, constantTimeEquals, hmacSha256 } from "../SyncCrypto.ts"

const maxTokenLength = 4096
const maxUserIdLength = 200
const minSecretLength = 32
const maxLifeSeconds = 30 * 24 * 60 * 60
const leewaySeconds = 5
// Year 5138 when read as seconds, 1973 when read as milliseconds.
const millisecondsFrom = 100_000_000_000

/** Why a token was refused. `detail` is a clause for developers; `expiredAt` is in Unix seconds. */
export interface UserTokenFault {
  readonly reason: "invalid" | "expired"
  readonly detail: string
  readonly expiredAt?: number
}

/** Whom a valid token names. */
export interface VerifiedUserToken {
  readonly userId: string
  /** In Unix milliseconds: it was certainly not minted before. What an erasure ended, only a later token begins again. */
  readonly issuedAt: number
  /** In Unix seconds. */
  readonly expiresAt: number
}

/**
 * Signs a token for a user who is logged in to your own backend. Works without anything of Hogsend running.
 *
 * Throws a `TypeError` for an empty user id, and a `RangeError` for one over 200 characters, a secret under 32, and a
 * life that is not a whole number of seconds between 1 and 30 days. Never call it in a browser, and never for a user id
 * that the browser names.
 *
 * @example
 * generateUserToken({ secret: process.env.BETTER_AUTH_SECRET!, userId: session.userId }) // valid for an hour
 */
export const generateUserToken = ({
  secret,
  userId,
  expiresInSeconds = 3600
}: {
  readonly secret: string
  readonly userId: string
  readonly expiresInSeconds?: number | undefined
}): string => {
  // JavaScript callers reach this too, often with an environment variable that is not set.
  if (typeof userId !== "string" || userId === "") {
    throw new TypeError("generateUserToken: userId must be a non-empty string: the id of the user who is logged in.")
  }
  if (userId.length > maxUserIdLength) {
    throw new RangeError(`generateUserToken: userId must have at most ${maxUserIdLength} characters.`)
  }
  if (typeof secret !== "string" || secret.length < minSecretLength) {
    throw new RangeError(
      `generateUserToken: secret must have at least ${minSecretLength} characters: pass the engine's BETTER_AUTH_SECRET.`
    )
  }
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > maxLifeSeconds) {
    throw new RangeError(
      `generateUserToken: expiresInSeconds must be a whole number of seconds from 1 to ${maxLifeSeconds} (30 days).`
    )
  }
  const iat = Date.now() / 1000
  const exp = Math.floor(iat) + expiresInSeconds
  const payload = Base64Url.encode(JSON.stringify({ userId, iat, exp }))
  return `${payload}.${Base64Url.encode(hmacSha256(secret, payload))}`
}

const decodePayload = Schema.decodeUnknownResult(
  Schema.Struct({ userId: Schema.NonEmptyString, iat: Schema.optionalKey(Schema.Finite), exp: Schema.Int })
)

const invalid = (detail: string): Result.Result<never, UserTokenFault> => Result.fail({ reason: "invalid", detail })

const isSignedByAny = (payload: string, signature: Uint8Array, secrets: NonEmptyReadonlyArray<string>): boolean => {
  // Every secret is tried, match or not: the time must not say which one it was.
  let matches = 0
  for (const secret of secrets) matches |= Number(constantTimeEquals(hmacSha256(secret, payload), signature))
  return matches === 1
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const parsePayload = (bytes: Uint8Array) => Result.try((): unknown => JSON.parse(utf8.decode(bytes)))

/**
 * Checks a token against the signing secret and the previous ones, at `nowMs` (Unix milliseconds).
 *
 * The signature is checked before the payload is read. `exp` may be at most 30 days ahead, and `iat` not ahead at all; all
 * have 5 seconds of leeway for clocks that differ. Without an `iat` the longest life tells the earliest minting.
 */
export const verifyUserToken = (
  token: string,
  { secrets, nowMs }: { readonly secrets: NonEmptyReadonlyArray<string>; readonly nowMs: number }
): Result.Result<VerifiedUserToken, UserTokenFault> => {
  if (token.length > maxTokenLength) return invalid(`it is longer than ${maxTokenLength} characters`)
  const segments = token.split(".")
  const [payload, signature] = segments
  if (segments.length !== 2 || !payload || !signature) {
    return invalid("it must have exactly two parts, payload and signature, with one dot between them")
  }
  const payloadBytes = bytesOfBase64Url(payload)
  const signatureBytes = bytesOfBase64Url(signature)
  if (payloadBytes === undefined || signatureBytes === undefined) {
    return invalid("both parts must be unpadded base64url, unchanged")
  }
  if (!isSignedByAny(payload, signatureBytes, secrets)) {
    return invalid("the signature does not match: it was signed with another secret, or altered")
  }
  const decoded = Result.flatMap(parsePayload(payloadBytes), (payload) => decodePayload(payload))
  if (Result.isFailure(decoded)) {
    return invalid(
      'the payload must be JSON of the form {"userId":"a non-empty string","iat":seconds,"exp":seconds as an integer}'
    )
  }
  const { userId, iat, exp } = decoded.success
  if (nowMs >= (exp + leewaySeconds) * 1000) {
    return Result.fail({ reason: "expired", detail: "it has expired", expiredAt: exp })
  }
  if (exp * 1000 > nowMs + (maxLifeSeconds + leewaySeconds) * 1000) {
    return invalid(
      exp >= millisecondsFrom
        ? "exp is too far ahead: is it in milliseconds? It must be in seconds"
        : "exp is more than 30 days ahead"
    )
  }
  if (iat !== undefined && iat > exp) return invalid("iat, when it was minted, is later than exp")
  if (iat !== undefined && iat * 1000 > nowMs + leewaySeconds * 1000) {
    return invalid("iat, when it was minted, is ahead of this server's clock")
  }
  const micros = Math.round((iat ?? exp - maxLifeSeconds) * 1_000_000)
  return Result.succeed({ userId, issuedAt: Math.floor(micros / 1000), expiresAt: exp })
}
