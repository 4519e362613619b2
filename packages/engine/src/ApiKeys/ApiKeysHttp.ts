/** The handlers of `/v1/admin/api-keys`. */
import { Api, Caller, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ApiKeys } from "../ApiKeys.ts"

const dayInSeconds = 86_400

export const ApiKeysHttp = HttpApiBuilder.group(
  Api,
  "apiKeys",
  Effect.fnUntraced(function* (handlers) {
    const apiKeys = yield* ApiKeys
    return handlers.handleAll({
      self: () =>
        Effect.map(Caller, ({ keyId, name, scopes }) => ({
          actor: "api-key" as const,
          id: keyId ?? "environment",
          name,
          scopes
        })),
      list: ({ query }) =>
        Effect.map(apiKeys.list(pageOf(query), query.includeRevoked === "true"), (found) => ({
          ...found,
          ...pageOf(query)
        })),
      get: ({ params }) => Effect.map(apiKeys.get(params.id), (key) => ({ key })),
      mint: ({ payload }) => Effect.flatMap(Caller, (actor) => apiKeys.mint(payload, actor)),
      edit: ({ params, payload }) =>
        Effect.flatMap(Caller, (actor) => Effect.map(apiKeys.edit(params.id, payload, actor), (key) => ({ key }))),
      revoke: ({ params }) =>
        Effect.flatMap(Caller, (actor) => Effect.as(apiKeys.revoke(params.id, actor), { revoked: true as const })),
      rotate: ({ params, payload }) =>
        Effect.flatMap(Caller, (actor) => apiKeys.rotate(params.id, payload?.graceSeconds ?? dayInSeconds, actor))
    })
  })
)
