/** What was delivered to an endpoint, and delivering it again. Every method needs a `full-admin` key. */
import type * as Core from "@hogsend/core"
import type { Answer } from "./Answer.ts"
import type { RequestOptions } from "./Hogsend.ts"
import type { Transport } from "./Hogsend/makeTransport.ts"
import { path } from "./Hogsend/path.ts"
import type { Page, PageQuery } from "./Page.ts"

/** One event on its way to one endpoint. Times are ISO-8601 texts. */
export interface Delivery extends Answer<typeof Core.Delivery> {}

/** One attempt at it, and what the receiver answered. */
export interface DeliveryAttempt extends Answer<typeof Core.DeliveryAttempt> {}

/** A page of deliveries. */
export interface DeliveryPage extends Page {
  readonly deliveries: ReadonlyArray<Delivery>
}

/** A delivery with its attempts. */
export interface DeliveryDetails {
  readonly delivery: Delivery
  /** The first one first. */
  readonly attempts: ReadonlyArray<DeliveryAttempt>
}

/** What deliveries can be chosen by. Times that are texts are ISO-8601 with a zone. */
export interface DeliveryFilter {
  /** Only events about this contact, by its id. */
  readonly contactId?: string | undefined
  /** Only events that happened then or later. */
  readonly since?: Date | string | undefined
  /** Only events that happened before. */
  readonly until?: Date | string | undefined
}

/** Which deliveries to list. */
export interface DeliveryQuery extends PageQuery, DeliveryFilter {
  /** Only deliveries in this state. */
  readonly status?: Core.DeliveryStatus | undefined
  /** Only events of this name. */
  readonly eventType?: Core.OutboundEnvelope["type"] | undefined
}

/** Which events to send once more: at least one of the fields beside `dryRun` must say it. */
export interface Replay extends DeliveryFilter {
  /** The `id`s of envelopes, at most 1,000. */
  readonly messageIds?: ReadonlyArray<string> | undefined
  /** Only events of these names, of those that the endpoint subscribes to. */
  readonly eventTypes?: ReadonlyArray<Core.OutboundEventName> | undefined
  /** True: only what the endpoint never got. */
  readonly missingOnly?: boolean | undefined
  /** True: only count, and send nothing. */
  readonly dryRun?: boolean | undefined
}

/** What a replay came to. */
export interface Replayed {
  /** How many deliveries it is; of a dry run, would be. */
  readonly count: number
  readonly dryRun: boolean
}

/** `hogsend.deliveries`: what was, is and will be sent to an endpoint. */
export interface Deliveries {
  /** Those whose events happened last come first. One that ended is kept for 30 days. */
  readonly list: (endpointId: string, query?: DeliveryQuery, options?: RequestOptions) => Promise<DeliveryPage>
  /** A delivery with its attempts. */
  readonly get: (endpointId: string, deliveryId: string, options?: RequestOptions) => Promise<DeliveryDetails>
  /** Delivers again, whatever became of it, under the same `webhook-id`. */
  readonly retry: (endpointId: string, deliveryId: string, options?: RequestOptions) => Promise<Delivery>
  /**
   * Sends events of the last 30 days once more.
   *
   * @example
   * await hogsend.deliveries.replay(endpointId, { since: new Date("2026-11-22T08:00:00Z"), missingOnly: true })
   */
  readonly replay: (endpointId: string, replay: Replay, options?: RequestOptions) => Promise<Replayed>
}

export const makeDeliveries = (send: Transport): Deliveries => ({
  list: async (endpointId, { contactId, eventType, limit, offset, since, status, until } = {}, options) =>
    send<DeliveryPage>(
      {
        method: "GET",
        path: path`/v1/admin/webhooks/${endpointId}/deliveries`,
        query: { limit, offset, status, eventType, contactId, since, until },
        fields: ["deliveries", "total"]
      },
      options
    ),
  get: async (endpointId, deliveryId, options) =>
    send<DeliveryDetails>(
      {
        method: "GET",
        path: path`/v1/admin/webhooks/${endpointId}/deliveries/${deliveryId}`,
        fields: ["delivery", "attempts"]
      },
      options
    ),
  retry: async (endpointId, deliveryId, options) => {
    const { delivery } = await send<{ readonly delivery: Delivery }>(
      {
        method: "POST",
        path: path`/v1/admin/webhooks/${endpointId}/deliveries/${deliveryId}/retry`,
        fields: ["delivery"]
      },
      options
    )
    return delivery
  },
  replay: async (endpointId, replay, options) =>
    send<Replayed>(
      {
        method: "POST",
        path: path`/v1/admin/webhooks/${endpointId}/replay`,
        body: replay,
        fields: ["count", "dryRun"]
      },
      options
    )
})
