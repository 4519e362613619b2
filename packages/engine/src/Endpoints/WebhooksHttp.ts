/** The handlers of `/v1/admin/webhooks`. */
import { Api, Caller, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Endpoints } from "../Endpoints.ts"

export const WebhooksHttp = HttpApiBuilder.group(
  Api,
  "webhooks",
  Effect.fnUntraced(function* (handlers) {
    const endpoints = yield* Endpoints
    return handlers.handleAll({
      list: ({ query }) =>
        Effect.map(endpoints.list(pageOf(query), query.includeDisabled !== "false"), (found) => ({
          ...found,
          ...pageOf(query)
        })),
      get: ({ params }) => endpoints.get(params.id),
      create: ({ payload }) => Effect.flatMap(Caller, (actor) => endpoints.create(payload, actor)),
      edit: ({ params, payload }) => Effect.flatMap(Caller, (actor) => endpoints.edit(params.id, payload, actor)),
      delete: ({ params }) =>
        Effect.flatMap(Caller, (actor) => Effect.as(endpoints.delete(params.id, actor), { deleted: true as const })),
      rotateSecret: ({ params, payload }) =>
        Effect.flatMap(Caller, (actor) => endpoints.rotateSecret(params.id, payload?.graceSeconds, actor))
    })
  })
)
