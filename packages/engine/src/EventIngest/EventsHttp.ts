/** The handlers of `/v1/events` and `/v1/events/batch`, and their short way. */
import { Api, Caller, type EventBatch, type EventDraft } from "@hogsend/core"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { type Carried, EventIngest } from "../EventIngest.ts"
import { HotRoutes, makeHotRoute, unlessFailed } from "../HttpEdge.ts"
import { KeyGate } from "../KeyGate.ts"
import { carriedTokens } from "../Principals.ts"

interface Request<Payload> {
  readonly headers: Parameters<typeof carriedTokens>[0] & {
    readonly "x-hogsend-device"?: string
    readonly "idempotency-key"?: string
  }
  readonly query: Parameters<typeof carriedTokens>[1]
  readonly payload: Payload
}

const handlersOf = (events: EventIngest["Service"]) => ({
  ingest: (caller: Caller["Service"], request: Request<EventDraft>) =>
    events.ingest(caller, request.payload, carried(request)),
  ingestBatch: (caller: Caller["Service"], request: Request<typeof EventBatch.Type>) => {
    const { idempotencyKey = request.payload.idempotencyKey, ...others } = carried(request)
    return events.ingestBatch(caller, request.payload.events, { ...others, idempotencyKey })
  }
})

const carried = ({ headers, query }: Request<unknown>): Carried => ({
  userTokens: carriedTokens(headers, query),
  device: headers["x-hogsend-device"],
  idempotencyKey: headers["idempotency-key"]
})

export const EventsHttp = HttpApiBuilder.group(
  Api,
  "events",
  Effect.fnUntraced(function* (handlers) {
    const { ingest, ingestBatch } = handlersOf(yield* EventIngest)
    return handlers.handleAll({
      ingest: (request) => unlessFailed(Effect.flatMap(Caller, (caller) => ingest(caller, request))),
      ingestBatch: (request) => unlessFailed(Effect.flatMap(Caller, (caller) => ingestBatch(caller, request)))
    })
  })
)

export const EventsHot = Layer.effect(
  HotRoutes,
  Effect.gen(function* () {
    const gate = yield* KeyGate
    const { ingest, ingestBatch } = handlersOf(yield* EventIngest)
    const { endpoints } = Api.groups.events
    return yield* HotRoutes.make({
      [endpoints.ingest.path]: yield* makeHotRoute(endpoints.ingest, gate, ingest),
      [endpoints.ingestBatch.path]: yield* makeHotRoute(endpoints.ingestBatch, gate, ingestBatch)
    })
  })
)
