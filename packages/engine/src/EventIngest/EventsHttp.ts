/** The handlers of `/v1/events` and `/v1/events/batch`. */
import { Api, Caller } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { type Carried, EventIngest } from "../EventIngest.ts"
import { carriedTokens } from "../Principals.ts"

export const EventsHttp = HttpApiBuilder.group(
  Api,
  "events",
  Effect.fnUntraced(function* (handlers) {
    const events = yield* EventIngest
    return handlers.handleAll({
      ingest: ({ headers, payload, query }) =>
        Effect.flatMap(Caller, (caller) => events.ingest(caller, payload, carried(headers, query))),
      ingestBatch: ({ headers, payload, query }) =>
        Effect.flatMap(Caller, (caller) => events.ingestBatch(caller, payload.events, carried(headers, query)))
    })
  })
)

const carried = (
  headers: {
    readonly "x-hogsend-user-token"?: string | undefined
    readonly "x-hogsend-device"?: string | undefined
    readonly "idempotency-key"?: string | undefined
  },
  query: { readonly userToken?: string | undefined }
): Carried => ({
  userTokens: carriedTokens(headers, query),
  device: headers["x-hogsend-device"],
  idempotencyKey: headers["idempotency-key"]
})
