/** The handlers of `/v1/admin/dlq`. */
import { Api, Caller, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { DestinationQueue } from "../DestinationQueue.ts"

export const DeadLettersHttp = HttpApiBuilder.group(
  Api,
  "deadLetters",
  Effect.fnUntraced(function* (handlers) {
    const queue = yield* DestinationQueue
    return handlers.handleAll({
      list: ({ query }) =>
        Effect.map(queue.deadLetters(pageOf(query), query), (found) => ({ ...found, ...pageOf(query) })),
      retry: ({ params }) =>
        Effect.flatMap(Caller, (actor) => Effect.map(queue.retryDead(params.id, actor), (delivery) => ({ delivery }))),
      discard: ({ params }) =>
        Effect.flatMap(Caller, (actor) => Effect.map(queue.discard(params.id, actor), (delivery) => ({ delivery })))
    })
  })
)
