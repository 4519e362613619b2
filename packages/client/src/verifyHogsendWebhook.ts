/**
 * Tells whether a request is a webhook of your Hogsend's, neither altered nor old: by the Standard Webhooks specification
 * (standardwebhooks.com), also under the header names that Svix sends.
 *
 * Checks the body as it came, before anything parses it. Remembers nothing: an event that arrives twice is verified twice.
 */
import { Webhook } from "standardwebhooks"
import type { WebhookEvent } from "./WebhookEvent.ts"
import { WebhookVerificationError } from "./WebhookVerificationError.ts"

/** What `verifyHogsendWebhook` is given. */
export interface VerifyWebhookOptions {
  /** The body of the request as it came: its text or its bytes, never what was parsed of it. */
  readonly payload: string | Uint8Array | ArrayBuffer
  /** The headers of the request: of a `Request`, of Node's, or any record of them. */
  readonly headers: Headers | { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  /** The signing secret of the endpoint (`whsec_…`); several while one is rotated. */
  readonly secret: string | ReadonlyArray<string>
  /** How far the time of the request may be from now, in seconds. Default: 300. */
  readonly tolerance?: number | undefined
}

/**
 * The event that a webhook delivers. Throws a `WebhookVerificationError` when it is none, and a `TypeError` that names the
 * option when one cannot be used.
 *
 * @example
 * const event = verifyHogsendWebhook({ payload: await request.text(), headers: request.headers, secret })
 * if (event.type === "contact.created") await welcome(event.data.userId)
 */
export const verifyHogsendWebhook = ({
  headers,
  payload,
  secret,
  tolerance = 300
}: VerifyWebhookOptions): WebhookEvent => {
  const webhooks = webhooksOf(secret)
  const text = textOf(payload)
  if (!(tolerance >= 0)) throw new TypeError("tolerance must be a number of seconds")
  const { id, signature, timestamp } = signedHeaders(headers)

  if (Math.abs(Date.now() / 1000 - timestamp) > tolerance) {
    throw new WebhookVerificationError("timestamp", "The webhook is too old, or its time is ahead of this machine's")
  }
  const expected = webhooks.map((webhook) => webhook.sign(id, new Date(timestamp * 1000), text))
  const given = signature.split(" ")
  if (!given.some((one) => expected.some((another) => isSame(one, another)))) {
    throw new WebhookVerificationError("signature", "No signature of the webhook matches")
  }
  return parse(text)
}

const webhooksOf = (secret: string | ReadonlyArray<string>): ReadonlyArray<Webhook> => {
  const secrets = typeof secret === "string" ? [secret] : secret
  try {
    if (secrets.length > 0) return secrets.map((one) => new Webhook(one))
  } catch {
    // What the library says of it may hold the secret.
  }
  throw new TypeError("secret must be the signing secret of an endpoint (whsec_…), or several")
}

const textOf = (payload: VerifyWebhookOptions["payload"]): string => {
  if (typeof payload === "string") return payload
  // As it was signed, with a mark at its beginning if there is one.
  if (ArrayBuffer.isView(payload) || payload instanceof ArrayBuffer) {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload)
  }
  throw new TypeError("payload must be the body of the request as it came, not what was parsed of it")
}

const signedHeaders = (headers: VerifyWebhookOptions["headers"]) => {
  if (typeof headers !== "object" || headers === null) throw new TypeError("headers must be those of the request")
  const all = new Map(
    // Whosever `Headers` they are.
    (Symbol.iterator in headers ? [...headers] : Object.entries(headers)).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === "object" ? value.join(" ") : value
    ])
  )
  const prefix = all.has("webhook-signature") ? "webhook" : "svix"
  const read = (name: string): string => {
    const value = all.get(`${prefix}-${name}`)
    if (value) return value
    throw new WebhookVerificationError("headers", `The header webhook-${name} is missing`)
  }
  const [id, timestamp, signature] = [read("id"), read("timestamp"), read("signature")]
  if (/^\d{1,12}$/.test(timestamp)) return { id, signature, timestamp: Number(timestamp) }
  throw new WebhookVerificationError("headers", "The header webhook-timestamp is no number of seconds")
}

/** In a time that does not depend on where they differ. */
const isSame = (one: string, another: string): boolean => {
  let difference = one.length ^ another.length
  for (let at = 0; at < another.length; at++) difference |= one.charCodeAt(at) ^ another.charCodeAt(at)
  return difference === 0
}

const parse = (text: string): WebhookEvent => {
  try {
    const event = JSON.parse(text)
    if (typeof event?.type === "string") return event
  } catch {
    // Told below, without what the body holds.
  }
  throw new WebhookVerificationError("payload", "The webhook is signed, and is no event")
}
