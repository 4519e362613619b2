/**
 * A destination queue for tests: it delivers nothing, and says what it would have delivered.
 *
 * Everything before the delivery is the engine's own: the messages are the rows that are written with what they report, and
 * the queue's operator methods (`list`, `replay`, `discard`, …) work on them. What the analytics provider would be told
 * waits here as well, under the kind `analytics`.
 */
import { PgClient } from "@effect/sql-pg"
import { AnalyticsMessage, OutboundEnvelope } from "@hogsend/core"
import { DestinationQueue } from "@hogsend/engine"
import { Effect, Schema } from "effect"

/** A delivery that waits for ever. */
export interface RecordedDelivery {
  readonly endpointId: string
  /** `webhook`, the name of another destination, or `analytics`. */
  readonly kind: string
  readonly url: string | null
  readonly message: OutboundEnvelope | AnalyticsMessage
}

/** Which of them; all of what is given must hold. */
export interface RecordedDeliveryFilter {
  readonly type?: RecordedDelivery["message"]["type"]
  readonly endpointId?: string
}

const decodeMessage = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Union([AnalyticsMessage, OutboundEnvelope]))
)

/** A destination queue that delivers nothing, and says what it would have delivered. */
export const RecordingDestinationQueue = {
  /**
   * In the place of the engine's own:
   *
   * ```ts
   * HogsendTest.layer({ services: { destinationQueue: RecordingDestinationQueue.layer } })
   * ```
   */
  layer: DestinationQueue.layer({ slots: 0 }),

  /** What would have been delivered, in the order in which it happened. Reads the database that the engine runs on. */
  deliveries: ({ endpointId, type }: RecordedDeliveryFilter = {}) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const rows = yield* sql<Omit<RecordedDelivery, "message"> & { readonly body: string }>`
        select d.endpoint_id as "endpointId", e.kind, e.url, m.body
        from hogsend.deliveries d
        join hogsend.endpoints e on e.id = d.endpoint_id
        join hogsend.outbound_messages m on m.id = d.message_id
        where d.status = 'pending' and e.id = coalesce(${endpointId ?? null}::uuid, e.id)
          and m.type = coalesce(${type ?? null}::text, m.type)
        order by d.turn`
      return yield* Effect.forEach(rows, ({ body, ...row }) =>
        Effect.map(decodeMessage(body), (message): RecordedDelivery => ({ ...row, message }))
      )
    }).pipe(Effect.orDie)
}
