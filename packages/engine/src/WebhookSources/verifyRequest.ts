/**
 * How a webhook shows where it comes from: by the secret itself, or by a signature of its bytes, as vendors make them.
 *
 * Pure. Everything secret is compared in constant time, every secret of a rotation counts, and where a scheme signs a time,
 * what is more than five minutes away from now is refused, so that nobody sends again what he once saw.
 */
import type { SignatureScheme, SourceAuth } from "@hogsend/core"
import { Redacted, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import {
  constantTimeEquals,
  hmacKey,
  type HmacKey,
  hmacSha1,
  hmacSha256,
  isSameDigest,
  sha256Hex
} from "../SyncCrypto.ts"

/** A request as it came. Names of headers are in lower case. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
  readonly nowSeconds: number
}

/** Succeeds for a request of the vendor's; else says for a person what is wrong, and nothing secret. */
export type Verify = (request: SignedRequest) => Result.Result<void, string>

const toleranceSeconds = 300

export const signatureSchemes: ReadonlyArray<SignatureScheme> = [
  "standard-webhooks",
  "stripe",
  "hmac-sha256-hex",
  "hmac-sha256-base64",
  "hmac-sha1-hex"
]

/** The secrets that there are: an empty one is none. */
export const secretsOf = ({ secret }: SourceAuth): ReadonlyArray<string> =>
  (Array.isArray(secret) ? secret : [secret]).flatMap((one: string | Redacted.Redacted<string> | undefined) => {
    const text = Redacted.isRedacted(one) ? Redacted.value(one) : (one ?? "")
    return text === "" ? [] : [text]
  })

/** Made once for a source; undefined while it has no secret. Fails for a secret that the scheme cannot use. */
export const makeVerify = (auth: SourceAuth): Result.Result<Verify | undefined, string> => {
  const secrets = secretsOf(auth)
  if (secrets.length === 0) return Result.succeed(undefined)
  if (auth.type === "secret") return Result.succeed(bySecret(auth.header.toLowerCase(), secrets))
  if (auth.scheme === "standard-webhooks") {
    return Result.map(Result.all(secrets.map(standardKey)), (keys) => byStandardWebhooks(keys))
  }
  const keys = secrets.map(hmacKey)
  if (auth.scheme === "stripe") return Result.succeed(byStripe((auth.header ?? "stripe-signature").toLowerCase(), keys))
  return Result.succeed(byDigest((auth.header ?? "x-signature").toLowerCase(), digests[auth.scheme], keys))
}

/** Of digests, so that not even the length of the secret can be measured. */
const bySecret = (header: string, secrets: ReadonlyArray<string>): Verify => {
  const expected = secrets.map(sha256Hex)
  return ({ headers }) => {
    const bearer = /^Bearer +(\S+)$/i.exec(headers["authorization"] ?? "")?.[1]
    const sent = [headers[header], bearer].flatMap((one) => (one === undefined || one === "" ? [] : [sha256Hex(one)]))
    if (sent.length === 0) return Result.fail(`It carries no secret. Send it in the header ${header}.`)
    return expected.some((one) => sent.some((digest) => isSameDigest(one, digest)))
      ? Result.void
      : Result.fail("Its secret is not the one that this server has.")
  }
}

const standardKey = (secret: string): Result.Result<HmacKey, string> =>
  Base64.decode(secret.replace(/^whsec_/, "")).pipe(
    Result.filterOrFail(
      (bytes) => bytes.length > 0,
      () => undefined
    ),
    Result.map(hmacKey),
    Result.mapError(() => "is no signing secret: one is whsec_ and base64")
  )

/** standardwebhooks.com, and Svix, where it comes from. */
const byStandardWebhooks =
  (keys: ReadonlyArray<HmacKey>): Verify =>
  ({ body, headers, nowSeconds }) => {
    const of = (name: string) => headers[`webhook-${name}`] ?? headers[`svix-${name}`]
    const [id, time, signatures] = [of("id"), of("timestamp"), of("signature")]
    if (id === undefined || time === undefined || signatures === undefined) return unsigned("webhook-signature")
    const sent = signatures
      .split(" ")
      .flatMap((one) => (one.startsWith("v1,") ? [Result.getOrUndefined(Base64.decode(one.slice(3)))] : []))
    return signedAt(time, sent, { keys, bytes: bytesOf(`${id}.${time}.`, body), nowSeconds })
  }

/** docs.stripe.com/webhooks: `t=…,v1=…`, with a `v1` for each secret of a rotation. Other versions are for tests. */
const byStripe =
  (header: string, keys: ReadonlyArray<HmacKey>): Verify =>
  ({ body, headers, nowSeconds }) => {
    const fields = (headers[header] ?? "").split(",").map((field) => field.trim().split("=", 2))
    const of = (name: string) => fields.flatMap(([key, value]) => (key === name && value !== undefined ? [value] : []))
    const [time] = of("t")
    const sent = of("v1").map((hex) => Result.getOrUndefined(Hex.decode(hex)))
    if (time === undefined || sent.length === 0) return unsigned(header)
    return signedAt(time, sent, { keys, bytes: bytesOf(`${time}.`, body), nowSeconds })
  }

interface Digest {
  readonly decode: (text: string) => Result.Result<Uint8Array, unknown>
  readonly hmac: (key: HmacKey, data: Uint8Array) => Uint8Array
}

const digests: Readonly<Record<Exclude<SignatureScheme, "standard-webhooks" | "stripe">, Digest>> = {
  "hmac-sha256-hex": { decode: Hex.decode, hmac: hmacSha256 },
  "hmac-sha256-base64": { decode: Base64.decode, hmac: hmacSha256 },
  "hmac-sha1-hex": { decode: Hex.decode, hmac: hmacSha1 }
}

/** An HMAC of the body and nothing else, as many vendors send it. */
const byDigest =
  (header: string, { decode, hmac }: Digest, keys: ReadonlyArray<HmacKey>): Verify =>
  ({ body, headers }) => {
    const signature = headers[header]
    if (signature === undefined) return unsigned(header)
    const sent = Result.getOrUndefined(decode(signature.replace(/^sha(1|256)=/, "")))
    return isAmong(
      [sent],
      keys.map((key) => hmac(key, body))
    )
      ? Result.void
      : forged
  }

const isAmong = (sent: ReadonlyArray<Uint8Array | undefined>, expected: ReadonlyArray<Uint8Array>): boolean =>
  sent.some((one) => one !== undefined && expected.some((other) => constantTimeEquals(one, other)))

const bytesOf = (before: string, body: Uint8Array): Uint8Array => {
  const head = new TextEncoder().encode(before)
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/** One of the signatures is of these bytes, and the time that stands in them is now. */
const signedAt = (
  time: string,
  sent: ReadonlyArray<Uint8Array | undefined>,
  {
    bytes,
    keys,
    nowSeconds
  }: { readonly keys: ReadonlyArray<HmacKey>; readonly bytes: Uint8Array; readonly nowSeconds: number }
): Result.Result<void, string> => {
  const expected = keys.map((key) => hmacSha256(key, bytes))
  return isAmong(sent, expected) ? timely(time, nowSeconds) : forged
}

/** Looked at after the signature: only what the vendor signed is worth an explanation. */
const timely = (time: string, nowSeconds: number): Result.Result<void, string> =>
  /^\d{1,12}$/.test(time) && Math.abs(nowSeconds - Number(time)) <= toleranceSeconds
    ? Result.void
    : Result.fail(
        "It was signed more than five minutes away from this server's time. Check the clock, or send it anew."
      )

const unsigned = (header: string) =>
  Result.fail(`It has no signature of the expected form in the header ${header}. Turn signing on at the vendor.`)

const forged: Result.Result<void, string> = Result.fail(
  "Its signature is not one of this body under the secret that this server has. Compare the secrets; nothing on the way may change the body."
)
