/** `/v1/admin/audit-logs`. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { AuditLog } from "./AuditLog.ts"
import { Access, Authorization } from "./Authorization.ts"
import { PageFields, PageQuery } from "./Page.ts"

export class AuditLogsApi extends HttpApiGroup.make("auditLogs")
  .add(
    /** Newest first. */
    HttpApiEndpoint.get("list", "/", {
      query: PageQuery,
      success: Schema.Struct({ auditLogs: Schema.Array(AuditLog), ...PageFields })
    }).annotate(Access, Access.secret("full-admin"))
  )
  .middleware(Authorization)
  .prefix("/v1/admin/audit-logs") {}
