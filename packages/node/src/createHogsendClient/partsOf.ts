/**
 * The parts in which many events are stored, each under a key of its own, as the client of servers has them: the same batch under
 * the same key is stored once, whichever of the two hands it in. Pure.
 */
import { maxBatchEvents } from "@hogsend/core"

export const partsOf = <Event>(events: ReadonlyArray<Event>, idempotencyKey: string | undefined) =>
  Array.from({ length: Math.ceil(events.length / maxBatchEvents) }, (_, part) => {
    const at = part * maxBatchEvents
    const key = at === 0 || idempotencyKey === undefined ? idempotencyKey : `${idempotencyKey}:${at}`
    return { events: events.slice(at, at + maxBatchEvents), idempotencyKey: key }
  })
