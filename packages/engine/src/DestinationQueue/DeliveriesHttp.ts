/** The handlers of `/v1/admin/webhooks/{id}/…` that are about deliveries. */
import { Api, Caller, pageOf, testEventName } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { DestinationQueue } from "../DestinationQueue.ts"
import { Endpoints } from "../Endpoints.ts"

export const DeliveriesHttp = HttpApiBuilder.group(
  Api,
  "deliveries",
  Effect.fnUntraced(function* (handlers) {
    const endpoints = yield* Endpoints
    const queue = yield* DestinationQueue
    return handlers.handleAll({
      list: ({ params, query }) =>
        endpoints.get(params.id).pipe(
          Effect.andThen(queue.list(pageOf(query), { ...query, endpointId: params.id })),
          Effect.map((found) => ({ ...found, ...pageOf(query) }))
        ),
      get: ({ params }) => queue.get(params.deliveryId, params.id),
      retry: ({ params }) =>
        Effect.flatMap(Caller, (actor) =>
          Effect.map(queue.retry(params.deliveryId, actor, params.id), (delivery) => ({ delivery }))
        ),
      replay: ({ params, payload: { messageIds, ...payload } }) =>
        Effect.flatMap(Caller, (actor) =>
          Effect.map(
            queue.replay(
              params.id,
              { ...payload, messageIds: messageIds?.map((id) => id.slice("msg_".length)) },
              actor
            ),
            (count) => ({ count, dryRun: payload.dryRun === true })
          )
        ),
      test: ({ params }) =>
        Effect.flatMap(Caller, (actor) =>
          Effect.as(queue.test(params.id, actor), { enqueued: true as const, eventType: testEventName })
        )
    })
  })
)
