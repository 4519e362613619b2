/** The handlers of `/v1/events`, and their short way. */
import { Api, Caller, type EventDraft } from "@hogsend/core"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { EventIngest } from "../EventIngest.ts"
import { HotRoutes, makeHotRoute, unlessFailed } from "../HttpEdge.ts"
import { KeyGate } from "../KeyGate.ts"
import { carriedTokens } from "../Principals.ts"

interface IngestRequest {
  readonly headers: Parameters<typeof carriedTokens>[0] & {
    readonly "x-hogsend-device"?: string
    readonly "idempotency-key"?: string
  }
  readonly query: Parameters<typeof carriedTokens>[1]
  readonly payload: EventDraft
}

const ingest =
  (events: EventIngest["Service"]) =>
  (caller: Caller["Service"], { headers, payload, query }: IngestRequest) =>
    events.ingest(caller, payload, {
      userTokens: carriedTokens(headers, query),
      device: headers["x-hogsend-device"],
      idempotencyKey: headers["idempotency-key"]
    })

export const EventsHttp = HttpApiBuilder.group(
  Api,
  "events",
  Effect.fnUntraced(function* (handlers) {
    const take = ingest(yield* EventIngest)
    return handlers.handleAll({
      ingest: (request) => unlessFailed(Effect.flatMap(Caller, (caller) => take(caller, request)))
    })
  })
)

export const EventsHot = Layer.effect(
  HotRoutes,
  Effect.gen(function* () {
    const gate = yield* KeyGate
    const events = yield* EventIngest
    const endpoint = Api.groups.events.endpoints.ingest
    return yield* HotRoutes.make({ [endpoint.path]: yield* makeHotRoute(endpoint, gate, ingest(events)) })
  })
)
