/** The handlers of `/v1/admin/warnings`. */
import { Api, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Warnings } from "../Warnings.ts"

export const WarningsHttp = HttpApiBuilder.group(
  Api,
  "warnings",
  Effect.fnUntraced(function* (handlers) {
    const warnings = yield* Warnings
    return handlers.handleAll({
      list: ({ query }) =>
        Effect.map(warnings.list(pageOf(query), query.code), (found) => ({ ...found, ...pageOf(query) })),
      examples: ({ params, query }) =>
        Effect.map(warnings.examples(pageOf(query), params.code), (found) => ({ ...found, ...pageOf(query) }))
    })
  })
)
