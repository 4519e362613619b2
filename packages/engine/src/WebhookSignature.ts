/**
 * Signatures of webhooks, by the Standard Webhooks specification (standardwebhooks.com): HMAC-SHA256 over the id, the time and
 * the body, so that a receiver knows who sent it, and that it is neither altered nor old.
 *
 * Pure. While a secret is rotated both sign, and a receiver that has either of them is content.
 */
import * as Result from "effect/Result"
import * as Base64 from "effect/encoding/Base64"
import { hmacSha256 } from "./SyncCrypto.ts"

/** What a signing secret begins with; the key behind it is base64. */
const prefix = "whsec_"

/** The signing secret of a key of 24 to 64 bytes. */
export const webhookSecret = (key: Uint8Array): string => prefix + Base64.encode(key)

export interface SignedMessage {
  /** The envelope's id: the same in every attempt. */
  readonly id: string
  /** When it is sent, by which a receiver tells an old request. */
  readonly timestampSeconds: number
  /** As it is sent, to the byte. */
  readonly body: string
  /** As `webhookSecret` makes them. Each signs. */
  readonly secrets: ReadonlyArray<string>
}

/** The three headers of a signed webhook. */
export const signatureHeaders = ({ body, id, secrets, timestampSeconds }: SignedMessage) => ({
  "webhook-id": id,
  "webhook-timestamp": String(timestampSeconds),
  "webhook-signature": secrets.map((secret) => sign(secret, `${id}.${timestampSeconds}.${body}`)).join(" ")
})

const sign = (secret: string, content: string): string => {
  const key = Result.getOrThrow(Base64.decode(secret.slice(prefix.length)))
  return `v1,${Base64.encode(hmacSha256(key, content))}`
}
