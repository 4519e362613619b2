/** The handlers of `/v1/admin/erasures`. */
import { Api, Caller, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Erasures } from "../Erasures.ts"

export const ErasuresHttp = HttpApiBuilder.group(
  Api,
  "erasures",
  Effect.fnUntraced(function* (handlers) {
    const erasures = yield* Erasures
    return handlers.handleAll({
      list: ({ query }) =>
        Effect.map(erasures.list(pageOf(query), query.status), (found) => ({ ...found, ...pageOf(query) })),
      get: ({ params }) => Effect.map(erasures.get(params.id), (erasure) => ({ erasure })),
      cancel: ({ params }) =>
        Effect.flatMap(Caller, (actor) => Effect.map(erasures.cancel(params.id, actor), (erasure) => ({ erasure })))
    })
  })
)
