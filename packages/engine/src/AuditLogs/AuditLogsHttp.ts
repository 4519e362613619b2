/** The handlers of `/v1/admin/audit-logs`. */
import { Api, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { AuditLogs } from "../AuditLogs.ts"

export const AuditLogsHttp = HttpApiBuilder.group(
  Api,
  "auditLogs",
  Effect.fnUntraced(function* (handlers) {
    const auditLogs = yield* AuditLogs
    return handlers.handleAll({
      list: ({ query }) => Effect.map(auditLogs.list(pageOf(query)), (found) => ({ ...found, ...pageOf(query) }))
    })
  })
)
