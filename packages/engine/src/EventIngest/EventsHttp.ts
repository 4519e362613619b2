/** The handlers of `/v1/events`. */
import { Api, Caller } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { EventIngest } from "../EventIngest.ts"
import { carriedTokens } from "../Principals.ts"

export const EventsHttp = HttpApiBuilder.group(
  Api,
  "events",
  Effect.fnUntraced(function* (handlers) {
    const events = yield* EventIngest
    return handlers.handleAll({
      ingest: ({ headers, payload, query }) =>
        Effect.flatMap(Caller, (caller) =>
          events.ingest(caller, payload, {
            userTokens: carriedTokens(headers, query),
            device: headers["x-hogsend-device"],
            idempotencyKey: headers["idempotency-key"]
          })
        )
    })
  })
)
