/**
 * The contract of a webhook source: what makes events of what a vendor posts to `/v1/webhooks/{id}`.
 *
 * A source says how its requests prove where they come from, what their bodies look like, and what they mean; nothing else.
 * The engine verifies the bytes before anything reads them, stores each event once for its idempotency key, and decides by
 * `trust` what it may do to people. `transform` is synchronous and pure; no part of a source reads an environment.
 */
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { StandardSchema } from "effect"
import type { DestinationLogger } from "./Destination.ts"
import type { Groups } from "./Event.ts"
import type { Properties } from "./Properties.ts"

/**
 * Whose word its events are.
 *
 * `server`: the vendor's own, such as a payment or a sign-up, and believed as a secret key is. `public`: what browsers wrote
 * under a key that stands in a page, which the vendor only passes on. Such an event hangs on whoever holds its id already:
 * it makes no contact, brings nobody together, and may say as little as a publishable key may.
 */
export type SourceTrust = "public" | "server"

/** None, or an empty one, keeps the source closed. While one is changed for another, both: `[next, before]`. */
export type SourceSecret =
  | string
  | Redacted.Redacted<string>
  | ReadonlyArray<string | Redacted.Redacted<string>>
  | undefined

/**
 * How a signature is made of a body.
 *
 * `standard-webhooks`: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, or `svix-…`, and a secret as
 * `whsec_…`. `stripe`: a header `t=…,v1=…`. Both refuse what is over five minutes old. The others are an HMAC of the body in
 * one header, perhaps behind `sha256=` or `sha1=`, and know no time.
 */
export type SignatureScheme =
  | "standard-webhooks"
  | "stripe"
  | "hmac-sha256-hex"
  | "hmac-sha256-base64"
  | "hmac-sha1-hex"

/** How a request shows that it comes from the vendor. */
export type SourceAuth =
  /** The secret itself, in this header or as `Authorization: Bearer`. */
  | { readonly type: "secret"; readonly header: string; readonly secret: SourceSecret }
  | {
      readonly type: "signature"
      readonly scheme: SignatureScheme
      readonly secret: SourceSecret
      /** The signature's. `stripe-signature` for `stripe`, else `x-signature`; `standard-webhooks` has its own. */
      readonly header?: string
    }

/** What an event says beside whom it is about. */
interface SourceEventFields {
  /** Of a public source no name that is reserved for servers. */
  readonly name: string
  readonly eventProperties?: Properties | undefined
  /** Of a public source only those on its list of `contactProperties` are written. */
  readonly contactProperties?: Properties | undefined
  /** When it happened, as the vendor says: a date, or ISO-8601 with a zone. */
  readonly timestamp?: Date | string | undefined
  readonly value?: number | undefined
  readonly currency?: string | undefined
  readonly groups?: Groups | undefined
  /**
   * The vendor's id of the event: whatever comes again under it is stored once. Sources do not share them. Vendors send
   * again, so an event without one can be stored twice.
   */
  readonly idempotencyKey?: string | undefined
}

/** An event of a `server` source: whom it is about, as a secret key would say it. */
export interface ServerSourceEvent extends SourceEventFields {
  readonly userId?: string | undefined
  /** A key only when `emailVerified` is true, else the property `email`. */
  readonly email?: string | undefined
  /** The vendor says that the address is this person's. False. */
  readonly emailVerified?: boolean | undefined
  readonly anonymousId?: string | undefined
}

/** An event of a `public` source: an id of whatever kind, which whoever holds it is known by. */
export interface PublicSourceEvent extends SourceEventFields {
  readonly distinctId: string
}

/** The events of a trust. */
export type SourceEvent<Trust extends SourceTrust = SourceTrust> = Trust extends "public"
  ? PublicSourceEvent
  : ServerSourceEvent

export interface SourceContext {
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly rawBody: string
  /** Writes to the operator's log. */
  readonly logger: DestinationLogger
}

export interface WebhookSource<Trust extends SourceTrust = SourceTrust, Payload = unknown> {
  /** `id` is the path's, and the `source` of its events: lower-case letters, digits, `-` and `_`. */
  readonly meta: { readonly id: string; readonly name: string; readonly description?: string }
  readonly trust: Trust
  readonly auth: SourceAuth
  /** Of the parsed JSON: an Effect Schema, or one of any library that speaks Standard Schema. */
  readonly schema: Schema.ConstraintDecoder<Payload> | StandardSchema.StandardSchemaV1<unknown, Payload>
  /** Names of the contact's properties that a public source may write. None. */
  readonly contactProperties?: ReadonlyArray<string>
  /** What happened; null, or none, when it does not matter here. What throws is a 500, so that the vendor sends it again. */
  transform(payload: Payload, context: SourceContext): SourceEvent<Trust> | ReadonlyArray<SourceEvent<Trust>> | null
}

/**
 * A source of the host app's own.
 *
 * @example
 * const forms = defineWebhookSource({
 *   meta: { id: "forms", name: "Our forms" },
 *   trust: "server",
 *   auth: { type: "secret", header: "x-forms-secret", secret: process.env.FORMS_SECRET },
 *   schema: Schema.Struct({ id: Schema.String, user: Schema.String }),
 *   transform: ({ id, user }) => ({ name: "form.filled", userId: user, idempotencyKey: id })
 * })
 */
export const defineWebhookSource = <const Trust extends SourceTrust, Payload>(
  source: WebhookSource<Trust, Payload>
): WebhookSource<Trust, Payload> => source
