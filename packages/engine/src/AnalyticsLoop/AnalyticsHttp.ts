/** The handlers of `/v1/admin/analytics`. */
import { Api, Caller } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { AnalyticsLoop } from "../AnalyticsLoop.ts"

export const AnalyticsHttp = HttpApiBuilder.group(
  Api,
  "analytics",
  Effect.fnUntraced(function* (handlers) {
    const loop = yield* AnalyticsLoop
    return handlers.handleAll({
      connectInfo: () => loop.connectInfo,
      provisionLoop: ({ query }) =>
        Effect.flatMap(Caller, (actor) => loop.provision({ placeholder: query.placeholder === "true" }, actor)),
      testLoop: () => Effect.flatMap(Caller, loop.test)
    })
  })
)
