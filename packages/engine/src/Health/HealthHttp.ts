/** The handlers of `/v1/health`. */
import { Api } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Health } from "../Health.ts"

export const HealthHttp = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function* (handlers) {
    const health = yield* Health
    return handlers.handleAll({
      report: () => health.report,
      live: () => Effect.succeed({ status: "live" as const }),
      ready: () => Effect.as(health.ready, { status: "ready" as const })
    })
  })
)
