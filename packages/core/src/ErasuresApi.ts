/** `/v1/admin/erasures`. An erasure is asked for at `DELETE /v1/contacts` and `DELETE /v1/admin/contacts/{id}`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { Erasure, ErasureEnded, ErasureId, ErasureNotFound, ErasureStatus, KeysTaken } from "./Erasure.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"

export class ErasuresApi extends HttpApiGroup.make("erasures")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        status: Schema.optionalKey(ErasureStatus).annotateKey({ description: "Only erasures in this state." })
      },
      success: Schema.Struct({ erasures: Schema.Array(Erasure), ...PageFields })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(OpenApi.annotations({ summary: "List erasures, newest first" })),
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: ErasureId },
      success: Schema.Struct({ erasure: Erasure }),
      error: ErasureNotFound
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(OpenApi.annotations({ summary: "Get an erasure", description: "The receipt, as it is now." })),
    HttpApiEndpoint.post("cancel", "/:id/cancel", {
      params: { id: ErasureId },
      /** Says nothing, and may be left out. */
      payload: [Schema.Null, Schema.Struct({})],
      success: Schema.Struct({ erasure: Erasure }),
      error: [ErasureNotFound, ErasureEnded, KeysTaken]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Cancel an erasure that is pending",
          description:
            "The contact is there again, with its keys and all that is kept of it. When one of the keys is somebody's by now, nothing is changed."
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/erasures")
  .annotateMerge(
    OpenApi.annotations({ description: "People who left: what was erased, and what can still be taken back." })
  ) {}
