/**
 * The contract of a destination: what makes an HTTP request of an envelope, for one kind of endpoint.
 *
 * A destination decides what is sent, and nothing else: the queue claims, signs, sends through the egress guard, tries again
 * and gives up. `transform` is synchronous and pure, and runs once for each attempt.
 */
import type * as Schema from "effect/Schema"
import type { OutboundEnvelope, OutboundEventName } from "./Outbound.ts"

/** The request of one delivery. */
export interface DestinationRequest {
  readonly url: string
  /** `POST` unless it says otherwise. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  /** What counts as delivered; a 2xx unless it says otherwise. `body` is the beginning of the answer. */
  readonly isSuccess?: (answer: { readonly status: number; readonly body: string }) => boolean
}

/** What a destination is called. */
export interface DestinationMeta {
  /** The `kind` of its endpoints: lower-case letters, digits, `-` and `_`. */
  readonly id: string
  readonly name: string
  readonly description?: string
  /** What to check when its receiver takes nothing, as a sentence: stands in the log beside such an endpoint's id. */
  readonly failureHint?: string
}

/** Writes to the operator's log. Never hand it a key, an address or a property's value. */
export interface DestinationLogger {
  readonly debug: (message: string) => void
  readonly info: (message: string) => void
  readonly warn: (message: string) => void
  readonly error: (message: string) => void
}

export interface DestinationContext {
  /** Which Hogsend this is: by it a platform's events are known as ours when they come back. */
  readonly installationId: string
  readonly endpoint: {
    readonly id: string
    readonly url: string | null
    /** The endpoint's credentials and settings. */
    readonly config: Readonly<Record<string, Schema.Json>>
  }
  readonly logger: DestinationLogger
}

export interface Destination {
  readonly meta: DestinationMeta
  /** What its endpoints can subscribe to. */
  readonly events: ReadonlyArray<OutboundEventName>
  /** The names that an endpoint's `config` may hold; another one is refused. Without it every name is taken. */
  readonly configNames?: readonly [string, ...ReadonlyArray<string>]
  /**
   * Throws, with a sentence for a person, when an endpoint that is set up so can deliver nothing: then it is neither created
   * nor edited to be so. Synchronous, and asks nobody.
   */
  readonly check?: (endpoint: Pick<DestinationContext["endpoint"], "url" | "config">) => void
  /**
   * The request; null to skip the envelope, which then counts as delivered. What throws, or asks for what is never
   * sent, says that the endpoint is set up wrongly: the delivery goes to the dead letters at once.
   */
  readonly transform: (envelope: OutboundEnvelope, context: DestinationContext) => DestinationRequest | null
}

/**
 * A destination of the host app's own.
 *
 * @example
 * const crm = defineDestination({
 *   meta: { id: "crm", name: "Our CRM" },
 *   events: ["contact.created", "contact.updated"],
 *   transform: (envelope, { endpoint }) => ({
 *     url: `https://crm.example.com/people/${encodeURIComponent(String(envelope.data.userId))}`,
 *     method: "PUT",
 *     headers: { authorization: `Bearer ${endpoint.config.token}` },
 *     body: JSON.stringify(envelope.data)
 *   })
 * })
 */
export const defineDestination = (destination: Destination): Destination => destination
