/** `/v1/admin/audit-logs`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { AuditLog } from "./AuditLog.ts"
import { Access, Authorization } from "./Authorization.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"

export class AuditLogsApi extends HttpApiGroup.make("auditLogs")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: PageQuery,
      success: Schema.Struct({ auditLogs: Schema.Array(AuditLog), ...PageFields })
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List changes, newest first"
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/audit-logs")
  .annotateMerge(
    OpenApi.annotations({ description: "Every change that came through the admin plane, with its actor." })
  ) {}
