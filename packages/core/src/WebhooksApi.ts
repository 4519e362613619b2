/** `/v1/admin/webhooks`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { EgressDenied } from "./EgressDenied.ts"
import {
  Endpoint,
  EndpointCreated,
  EndpointDraft,
  EndpointId,
  EndpointInvalid,
  EndpointLimitReached,
  EndpointNotFound,
  EndpointPatch,
  SecretRotated
} from "./Endpoint.ts"
import { knownParametersOnly, NoQuery, PageFields, PageQuery } from "./Page.ts"

export class WebhooksApi extends HttpApiGroup.make("webhooks")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        includeDisabled: Schema.optionalKey(Schema.Literals(["true", "false"])).annotateKey({
          description: "Whether disabled endpoints are listed, too.",
          default: "true"
        })
      },
      success: Schema.Struct({ endpoints: Schema.Array(Endpoint), ...PageFields })
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(OpenApi.annotations({ summary: "List endpoints, newest first" })),
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: EndpointId },
      success: Endpoint,
      error: EndpointNotFound
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(OpenApi.annotations({ summary: "Get an endpoint" })),
    HttpApiEndpoint.post("create", "/", {
      payload: EndpointDraft,
      success: EndpointCreated.pipe(HttpApiSchema.status(201)),
      error: [EndpointInvalid, EgressDenied, EndpointLimitReached]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Create an endpoint",
          description:
            "From now on what it subscribes to is delivered to it. The answer holds the signing secret of a `webhook`; only that of rotate shows one again."
        })
      ),
    HttpApiEndpoint.patch("edit", "/:id", {
      params: { id: EndpointId },
      payload: EndpointPatch,
      success: Endpoint,
      error: [EndpointNotFound, EndpointInvalid, EgressDenied]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Edit an endpoint",
          description: "An absent field stays as it is. What is on its way goes to the endpoint as it is then."
        })
      ),
    HttpApiEndpoint.delete("delete", "/:id", {
      params: { id: EndpointId },
      success: Schema.Struct({ deleted: Schema.Literal(true) }),
      error: [EndpointNotFound, EndpointInvalid]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Delete an endpoint",
          description: "With its deliveries, those on their way included."
        })
      ),
    HttpApiEndpoint.post("rotateSecret", "/:id/rotate-secret", {
      params: { id: EndpointId },
      query: NoQuery,
      /** May be left out: an alternative of its own, since only such a null stands for no body at all. */
      payload: [
        Schema.Null,
        Schema.Struct({
          graceSeconds: Schema.optionalKey(
            Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 * 86_400 }))
          ).annotateKey({
            description: "How long the old secret signs as well; 0 ends it now. A day, unless the operator set another."
          })
        })
      ],
      success: SecretRotated,
      error: [EndpointNotFound, EndpointInvalid]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Rotate the signing secret",
          description:
            "Until `previousSecretUntil` every delivery carries both signatures, so a receiver can change over in its own time. A secret that was still in its grace ends. The body may be left out."
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  // A misspelt graceSeconds would leave a secret that has leaked in force for a day.
  .annotate(HttpApi.PayloadParseOptions, { errors: "all", onExcessProperty: "error" })
  .prefix("/v1/admin/webhooks")
  .annotateMerge(
    OpenApi.annotations({
      description: "Endpoints: where outbound events go. A change is in force everywhere within seconds."
    })
  ) {}
