/**
 * The client of a server: what Hogsend can be asked over HTTP, with promises. It needs `fetch` and nothing else of a platform.
 *
 * Every method answers a promise and throws nothing at once. What is safe to send again is sent again when the network or
 * the server fails; see `HogsendOptions.maxRetries`. Nothing that can be printed of it holds the API key.
 */
import { type ApiKeys, makeApiKeys } from "./ApiKeys.ts"
import { type Contacts, makeContacts } from "./Contacts.ts"
import { type DeadLetters, makeDeadLetters } from "./DeadLetters.ts"
import { type Deliveries, makeDeliveries } from "./Deliveries.ts"
import { type Events, makeEvents } from "./Events.ts"
import { makeTransport } from "./Hogsend/makeTransport.ts"
import { settingsOf } from "./Hogsend/settingsOf.ts"
import { type Identity, makeIdentity } from "./Identity.ts"
import { makeWebhooks, type Webhooks } from "./Webhooks.ts"

/** What `new Hogsend(…)` is told. */
export interface HogsendOptions {
  /** Where your Hogsend is, with the path that it is mounted at: `https://example.com`, `https://example.com/api/hogsend`. */
  readonly baseUrl: string
  /** A secret key (`hsk_…`). Never give it to a browser. */
  readonly apiKey: string
  /** Makes the requests. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** How long one attempt may take, its whole answer included, in milliseconds. Default: 30,000. */
  readonly timeout?: number | undefined
  /** Sent with every request. They replace nothing that the client sets itself, `Authorization` among it. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * How often a request is sent again, at the most. Default: 2.
   *
   * After a network fault, a time-out, or an answer of 429, 502, 503 or 504; all but a 429 only where a second request
   * changes nothing more: reads, `contacts.upsert`, deletions, and events, which have an idempotency key. A deletion that is
   * sent again can find nothing any more (`ContactNotFound`), since the first one was carried out and its answer lost.
   */
  readonly maxRetries?: number | undefined
  /**
   * The longest pause before a first retry, in milliseconds; it doubles with each. The pause is random between zero and that, so
   * that many clients do not come back at one moment. Default: 500.
   */
  readonly retryDelay?: number | undefined
  /**
   * How long a pause can become, in milliseconds. Who is told by `Retry-After` to wait for longer does not wait: the call is
   * rejected at once, with `retryAfter`. Default: 10,000.
   */
  readonly maxRetryDelay?: number | undefined
}

/** What a single call can do otherwise than the client. */
export interface RequestOptions {
  /** Ends the call: it is rejected with the signal's reason. What was sent may have been carried out. */
  readonly signal?: AbortSignal | undefined
  /** As of the client. */
  readonly timeout?: number | undefined
  /** As of the client. */
  readonly maxRetries?: number | undefined
}

/**
 * Calls a Hogsend. A wrong option is a `TypeError` that names it.
 *
 * @example
 * const { HOGSEND_API_KEY: apiKey = "" } = process.env
 * const hogsend = new Hogsend({ baseUrl: "https://hogsend.example.com", apiKey })
 * await hogsend.events.send({ name: "order.placed", userId: "u_1", value: 49.9, currency: "EUR" })
 */
export class Hogsend {
  readonly apiKeys: ApiKeys
  readonly contacts: Contacts
  readonly events: Events
  readonly identity: Identity
  readonly webhooks: Webhooks
  readonly deliveries: Deliveries
  readonly deadLetters: DeadLetters

  constructor(options: HogsendOptions) {
    const send = makeTransport(settingsOf(options))
    this.apiKeys = makeApiKeys(send)
    this.contacts = makeContacts(send)
    this.events = makeEvents(send)
    this.identity = makeIdentity(send)
    this.webhooks = makeWebhooks(send)
    this.deliveries = makeDeliveries(send)
    this.deadLetters = makeDeadLetters(send)
  }
}
