/** The handlers of `/v1/admin/identity`. */
import { Api, Caller, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { IdentityResolver } from "../IdentityResolver.ts"

export const IdentityHttp = HttpApiBuilder.group(
  Api,
  "identity",
  Effect.fnUntraced(function* (handlers) {
    const resolver = yield* IdentityResolver
    return handlers.handleAll({
      explain: ({ query }) => resolver.explain(query.key),
      merge: ({ payload }) => Effect.flatMap(Caller, (actor) => resolver.merge(payload, actor)),
      split: ({ payload }) => Effect.flatMap(Caller, (actor) => resolver.split(payload, actor)),
      cuts: ({ query }) => Effect.map(resolver.cuts(pageOf(query)), (found) => ({ ...found, ...pageOf(query) })),
      liftCut: ({ params }) =>
        Effect.flatMap(Caller, (actor) => Effect.as(resolver.liftCut(params.id, actor), { lifted: true as const })),
      ledger: ({ query }) =>
        Effect.map(resolver.ledger(pageOf(query), query), (found) => ({ ...found, ...pageOf(query) }))
    })
  })
)
