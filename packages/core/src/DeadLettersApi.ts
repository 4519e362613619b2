/** `/v1/admin/dlq`: deliveries that were given up. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { DeliveryQuery } from "./DeliveriesApi.ts"
import {
  DeadLetter,
  Delivery,
  DeliveryEnded,
  DeliveryId,
  DeliveryNotDead,
  DeliveryNotFound,
  EndpointDisabled
} from "./Delivery.ts"
import { EndpointId } from "./Endpoint.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"

export class DeadLettersApi extends HttpApiGroup.make("deadLetters")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        endpointId: Schema.optionalKey(EndpointId).annotateKey({ description: "Only deliveries to this endpoint." }),
        ...DeliveryQuery
      },
      success: Schema.Struct({ items: Schema.Array(DeadLetter), ...PageFields })
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List dead letters",
          description:
            "Deliveries that were given up, each with its payload; those whose events happened last come first. One is kept for 30 days."
        })
      ),
    HttpApiEndpoint.post("retry", "/:id/retry", {
      params: { id: DeliveryId },
      /** Says nothing, and may be left out. */
      payload: [Schema.Null, Schema.Struct({})],
      success: Schema.Struct({ delivery: Delivery }),
      error: [DeliveryNotFound, DeliveryNotDead, EndpointDisabled]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Deliver a dead letter again",
          description: "Now, with the schedule from its start and under the same `webhook-id`."
        })
      ),
    HttpApiEndpoint.delete("discard", "/:id", {
      params: { id: DeliveryId },
      success: Schema.Struct({ delivery: Delivery }),
      error: [DeliveryNotFound, DeliveryEnded]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Discard a dead letter",
          description:
            "It is wanted no more, also when it is on its way again. It stays in the list of its endpoint's deliveries for 30 days."
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/dlq")
  .annotateMerge(
    OpenApi.annotations({
      description: "Deliveries that were given up: to be looked at, delivered again or discarded."
    })
  ) {}
