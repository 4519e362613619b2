/**
 * The streams as a program reads them: without heartbeats, and across connections.
 *
 * `Events.tail` is asked to go on after the last event. A server looks back over some time then, since ids are not in the order
 * of their commits, so what this stream has had already, or what was there before it began, is left out here.
 */
import type { AttemptEnded, AttemptsSkipped, DeliveriesWatch, EventsTail } from "@hogsend/core"
import { EventId } from "@hogsend/core"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { RecentIds } from "./RecentIds.ts"
import type { RpcCalls } from "./rpcCalls.ts"

export const tailWith =
  ({ follow }: RpcCalls) =>
  (filter: EventsTail = {}) =>
    Stream.suspend(() => {
      const recent = new RecentIds<EventId>()
      /** The first id that an event could have since the stream began, by the clock of the server. */
      let began: EventId | undefined
      let connections = 0
      const next = (): EventsTail => {
        connections += 1
        const after = recent.last ?? filter.after ?? began
        return after === undefined ? filter : { ...filter, after }
      }
      const wasThere = (id: EventId) =>
        filter.after === undefined && began !== undefined && connections > 1 && id < began

      return follow("Events.tail", next, (client, asked) => client["Events.tail"](asked)).pipe(
        Stream.filterMap((item) => {
          if (item._tag === "EventStored") {
            const { event } = item
            return !wasThere(event.id) && recent.add(event.id) ? Result.succeed(event) : Result.failVoid
          }
          began ??= idAt(item.at)
          return Result.failVoid
        })
      )
    })

export const watchWith =
  ({ follow }: RpcCalls) =>
  (filter: DeliveriesWatch = {}) =>
    follow(
      "Deliveries.watch",
      () => filter,
      (client, asked) => client["Deliveries.watch"](asked)
    ).pipe(Stream.filter((item): item is AttemptEnded | AttemptsSkipped => item._tag !== "Heartbeat"))

/** The first id that an event of this moment could have: a uuid of version 7. */
const idAt = (date: Date): EventId => {
  const time = date.getTime().toString(16).padStart(12, "0")
  return EventId.make(`${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`)
}
