/** The handlers of `/v1/admin/events`. */
import { Api, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Events } from "../Events.ts"

export const AdminEventsHttp = HttpApiBuilder.group(
  Api,
  "adminEvents",
  Effect.fnUntraced(function* (handlers) {
    const events = yield* Events
    return handlers.handleAll({
      list: ({ query }) => Effect.map(events.list(pageOf(query), query), (found) => ({ ...found, ...pageOf(query) })),
      names: () => Effect.map(events.names, (names) => ({ names }))
    })
  })
)
