/** The handlers of the calls about deliveries. */
import { DeliveriesRpcs as Calls } from "@hogsend/core"
import { Effect } from "effect"
import { DestinationQueue } from "../DestinationQueue.ts"
import { Endpoints } from "../Endpoints.ts"
import { LiveStreams } from "../LiveStreams.ts"

export const DeliveriesRpcs = Calls.toLayer(
  Effect.gen(function* () {
    const endpoints = yield* Endpoints
    const queue = yield* DestinationQueue
    const streams = yield* LiveStreams
    return Calls.of({
      "Deliveries.watch": (filter) => {
        const known = filter.endpointId === undefined ? Effect.void : endpoints.get(filter.endpointId)
        return streams.open(Effect.andThen(known, queue.watch(filter)))
      }
    })
  })
)
