/**
 * Signatures of webhooks, by the Standard Webhooks specification (standardwebhooks.com): HMAC-SHA256 over the id, the time and
 * the body, so that a receiver knows who sent it, and that it is neither altered nor old.
 *
 * Pure. While a secret is rotated both sign, and a receiver that has either of them is content.
 */
import * as Result from "effect/Result"
import * as Base64 from "effect/encoding/Base64"
import { hmacKey, hmacSha256 } from "./SyncCrypto.ts"

/** What a signing secret begins with; the key behind it is base64. */
const prefix = "whsec_"

/** The signing secret of a key of 24 to 64 bytes. */
export const webhookSecret = (key: Uint8Array): string => prefix + Base64.encode(key)

export interface Message {
  /** The envelope's id: the same in every attempt. */
  readonly id: string
  /** When it is sent, by which a receiver tells an old request. */
  readonly timestampSeconds: number
  /** As it is sent, to the byte. */
  readonly body: string
}

/** Signs with each of these secrets, which are as `webhookSecret` makes them. Their keys are made ready once. */
export const makeSigner = (secrets: ReadonlyArray<string>) => {
  const keys = secrets.map((secret) => hmacKey(Result.getOrThrow(Base64.decode(secret.slice(prefix.length)))))

  /** The three headers of a signed webhook. */
  return ({ body, id, timestampSeconds }: Message) => ({
    "webhook-id": id,
    "webhook-timestamp": String(timestampSeconds),
    "webhook-signature": keys
      .map((key) => `v1,${Base64.encode(hmacSha256(key, `${id}.${timestampSeconds}.${body}`))}`)
      .join(" ")
  })
}

export type Signer = ReturnType<typeof makeSigner>
