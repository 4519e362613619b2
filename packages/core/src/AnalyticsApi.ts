/** `/v1/admin/analytics`: the way back from the analytics platform. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { ConnectInfo, LoopNotProvisioned, LoopProvisioned, LoopTestSent, LoopUnready } from "./AnalyticsLoop.ts"
import { Access, Authorization } from "./Authorization.ts"
import { knownParametersOnly, NoQuery } from "./Page.ts"

export class AnalyticsApi extends HttpApiGroup.make("analytics")
  .add(
    HttpApiEndpoint.get("connectInfo", "/connect-info", {
      query: NoQuery,
      success: ConnectInfo
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "What the loop needs, and what of it there is",
          description: "Of the active analytics provider. Says of each credential whether it is there, and never more."
        })
      ),
    HttpApiEndpoint.post("provisionLoop", "/provision-loop", {
      query: {
        placeholder: Schema.optionalKey(Schema.Literals(["true", "false"])).annotateKey({
          description:
            "Before this server has a public address: a new webhook is made disabled, with an address to be filled in; one that is there keeps its address, and stays on or off.",
          default: "false"
        })
      },
      /** Says nothing, and may be left out. */
      payload: [Schema.Null, Schema.Struct({})],
      success: LoopProvisioned,
      error: [LoopUnready, LoopNotProvisioned]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Make the platform post its events here",
          description:
            "Makes the webhook in the analytics platform, or brings ours to what it is to be, which is the one at this server's address, or that was made for this installation: its address, secret and body are set, it is enabled, and what else somebody gave it (name, headers, further filters) stays; the filter on identified persons comes back. Asked again, it changes nothing. Others that post to a source like ours are left alone, and named in `others` when a new one is made."
        })
      ),
    HttpApiEndpoint.post("testLoop", "/test-loop", {
      query: NoQuery,
      /** Says nothing, and may be left out. */
      payload: [Schema.Null, Schema.Struct({})],
      success: LoopTestSent,
      error: LoopUnready
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Send an event around the loop",
          description:
            "Captures one event of a person made up for it. When it has come back through the webhook source, it stands in the list of events; whoever wants it to hang on a contact makes one with `anonymousId` as the answer's `distinctId`, and erases it afterwards."
        })
      )
  )
  .middleware(Authorization)
  // A misspelt placeholder would point a webhook here that nobody is ready for.
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/analytics")
  .annotateMerge(
    OpenApi.annotations({ description: "The analytics platform, and its events on their way back here." })
  ) {}
