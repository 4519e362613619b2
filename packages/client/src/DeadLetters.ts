/** Deliveries that were given up. Every method needs a `full-admin` key. */
import type * as Core from "@hogsend/core"
import type { Answer } from "./Answer.ts"
import type { Delivery, DeliveryFilter } from "./Deliveries.ts"
import type { RequestOptions } from "./Hogsend.ts"
import type { Transport } from "./Hogsend/makeTransport.ts"
import { path } from "./Hogsend/path.ts"
import type { Page, PageQuery } from "./Page.ts"

/** A delivery that was given up, with its payload. */
export interface DeadLetter extends Answer<typeof Core.DeadLetter> {}

/** A page of dead letters. */
export interface DeadLetterPage extends Page {
  readonly items: ReadonlyArray<DeadLetter>
}

/** Which dead letters to list. */
export interface DeadLetterQuery extends PageQuery, DeliveryFilter {
  /** Only deliveries to this endpoint. */
  readonly endpointId?: string | undefined
  /** Only events of this name. */
  readonly eventType?: Core.OutboundEnvelope["type"] | undefined
}

/** `hogsend.deadLetters`: deliveries that were given up. */
export interface DeadLetters {
  /** Those whose events happened last come first. One is kept for 30 days. */
  readonly list: (query?: DeadLetterQuery, options?: RequestOptions) => Promise<DeadLetterPage>
  /** Delivers it again, now, under the same `webhook-id`. Rejected with `DeliveryNotDead` when it is none any more. */
  readonly retry: (deliveryId: string, options?: RequestOptions) => Promise<Delivery>
  /** It is wanted no more. */
  readonly discard: (deliveryId: string, options?: RequestOptions) => Promise<Delivery>
}

export const makeDeadLetters = (send: Transport): DeadLetters => {
  const deliveryOf = async (answer: Promise<{ readonly delivery: Delivery }>) => (await answer).delivery

  return {
    list: async ({ contactId, endpointId, eventType, limit, offset, since, until } = {}, options) =>
      send<DeadLetterPage>(
        {
          method: "GET",
          path: "/v1/admin/dlq",
          query: { limit, offset, endpointId, eventType, contactId, since, until },
          fields: ["items", "total"]
        },
        options
      ),
    retry: async (deliveryId, options) =>
      deliveryOf(
        send({ method: "POST", path: path`/v1/admin/dlq/${deliveryId}/retry`, fields: ["delivery"] }, options)
      ),
    discard: async (deliveryId, options) =>
      deliveryOf(send({ method: "DELETE", path: path`/v1/admin/dlq/${deliveryId}`, fields: ["delivery"] }, options))
  }
}
