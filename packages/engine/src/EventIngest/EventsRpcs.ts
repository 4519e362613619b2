/** The handlers of the calls about events. */
import { Caller, EventsRpcs as Calls, EventStored } from "@hogsend/core"
import { Effect, Stream } from "effect"
import { EventIngest } from "../EventIngest.ts"
import { Events } from "../Events.ts"
import { LiveStreams } from "../LiveStreams.ts"
import { asServer } from "../Principals.ts"

export const EventsRpcs = Calls.toLayer(
  Effect.gen(function* () {
    const ingest = yield* EventIngest
    const events = yield* Events
    const streams = yield* LiveStreams
    return Calls.of({
      "Events.track": (draft) => Effect.flatMap(Caller, (caller) => asServer(ingest.ingest(caller, draft, nothing))),
      "Events.trackBatch": ({ events, idempotencyKey }) =>
        Effect.flatMap(Caller, (caller) =>
          asServer(ingest.ingestBatch(caller, events, { ...nothing, idempotencyKey }))
        ),
      "Events.tail": (filter) =>
        streams.open(
          Effect.map(
            events.tail(filter),
            Stream.map((event) => new EventStored({ event }))
          )
        )
    })
  })
)

/** What stands beside a body is a browser's to send. */
const nothing = { userTokens: [] }
