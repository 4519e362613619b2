/** `/v1/admin/warnings`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"
import { StorableText } from "./StorableText.ts"
import { Warning, WarningExample } from "./Warning.ts"

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
          summary: "List kinds of warnings, most recent first",
          description:
            "Each kind that was given within 30 days (unless the operator keeps them for another time), with its count and its last examples. What another process has just given can be missing for a second."
        })
      ),
    HttpApiEndpoint.get("examples", "/:code", {
      params: { code: StorableText },
      query: PageQuery,
      success: Schema.Struct({ examples: Schema.Array(WarningExample), ...PageFields })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List the examples of a kind, newest first",
          description:
            "The last 100 of a code (unless the operator keeps another number). A code of which none is kept has an empty list."
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
