/** `/v1/admin/warnings`. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { PageFields, PageQuery } from "./Page.ts"
import { StorableText } from "./StorableText.ts"
import { Warning } from "./Warning.ts"

export class WarningsApi extends HttpApiGroup.make("warnings")
  .add(
    /** Newest first; of one code when `code` is given. */
    HttpApiEndpoint.get("list", "/", {
      query: { ...PageQuery, code: Schema.optionalKey(StorableText) },
      success: Schema.Struct({ warnings: Schema.Array(Warning), ...PageFields })
    }).annotate(Access, Access.secret("read"))
  )
  .middleware(Authorization)
  .prefix("/v1/admin/warnings") {}
