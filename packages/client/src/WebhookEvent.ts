/** What a webhook delivers, by the name of its event. Types alone: derived from core's catalogue of outbound events. */
import type * as Core from "@hogsend/core"
import type { Answer, Json } from "./Answer.ts"

/** The names of the events that a webhook can deliver. */
export type WebhookEventType = Core.OutboundEventName | typeof Core.testEventName

interface Payloads {
  readonly "contact.created": Answer<typeof Core.ContactCreatedData>
  readonly "contact.updated": Answer<typeof Core.ContactUpdatedData>
  readonly "contact.deleted": Answer<typeof Core.ContactDeletedData>
  readonly "contact.merged": Answer<typeof Core.ContactMergedData>
  readonly "endpoint.disabled": Answer<typeof Core.EndpointDisabledData>
  readonly "webhook.test": Answer<typeof Core.WebhookTestData>
}

/** What an event of this name says. Times are ISO-8601 texts. */
export type WebhookData<T extends WebhookEventType> = T extends keyof Payloads
  ? Payloads[T]
  : { readonly [field: string]: Json }

/** An event of this name. */
export interface WebhookEventOf<T extends WebhookEventType> {
  /** `msg_` and a uuid: the same in every attempt. A receiver that must not act twice remembers it. */
  readonly id: string
  readonly type: T
  /** When it happened: ISO-8601 in UTC with milliseconds. */
  readonly timestamp: string
  readonly data: WebhookData<T>
}

/** No text has this type by itself, so that a `type` which was compared with a name is never one of these. */
declare enum NewerName {
  any = "the name of an event that is newer than this client"
}

/** An event whose name is newer than this client. Its `type` is a `string` like any other. */
export interface NewerWebhookEvent {
  readonly id: string
  readonly type: NewerName
  readonly timestamp: string
  readonly data: { readonly [field: string]: Json }
}

/**
 * What a webhook delivers. Tell by `type` which it is; a server that is newer than this client may send others.
 *
 * @example
 * switch (event.type) {
 *   case "contact.updated":
 *     return mirror(event.data.userId, event.data.properties)
 *   default:
 *     return ignore(event.type)
 * }
 */
export type WebhookEvent = { [T in WebhookEventType]: WebhookEventOf<T> }[WebhookEventType] | NewerWebhookEvent
