/** `/v1/admin/warnings`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"
import { StorableText } from "./StorableText.ts"
import { Warning } from "./Warning.ts"

export class WarningsApi extends HttpApiGroup.make("warnings")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        code: Schema.optionalKey(StorableText).annotateKey({ description: "Only warnings of this code." })
      },
      success: Schema.Struct({ warnings: Schema.Array(Warning), ...PageFields })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List warnings, newest first"
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/warnings")
  .annotateMerge(
    OpenApi.annotations({
      description: "What was refused of requests that were accepted, kept so that an operator can see and mend it."
    })
  ) {}
