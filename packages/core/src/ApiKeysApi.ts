/** `/v1/admin/api-keys`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import {
  ApiKey,
  ApiKeyDraft,
  ApiKeyId,
  ApiKeyInvalid,
  ApiKeyMinted,
  ApiKeyNotFound,
  ApiKeyPatch,
  ApiKeyRotated,
  Scope
} from "./ApiKey.ts"
import { Access, Authorization } from "./Authorization.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"

export class ApiKeysApi extends HttpApiGroup.make("apiKeys")
  .add(
    HttpApiEndpoint.get("self", "/self", {
      success: Schema.Struct({
        actor: Schema.Literal("api-key"),
        id: Schema.String,
        name: Schema.String,
        scopes: Schema.Array(Scope)
      })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Who am I",
          description: "The key that this request was made under; never the key itself."
        })
      ),
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        includeRevoked: Schema.optionalKey(Schema.Literals(["true", "false"])).annotateKey({
          description: "Whether revoked keys are listed, too.",
          default: "false"
        })
      },
      success: Schema.Struct({ keys: Schema.Array(ApiKey), ...PageFields })
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List keys, newest first"
        })
      ),
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: ApiKeyId },
      success: Schema.Struct({ key: ApiKey }),
      error: ApiKeyNotFound
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Get a key"
        })
      ),
    HttpApiEndpoint.post("mint", "/", {
      payload: ApiKeyDraft,
      success: ApiKeyMinted.pipe(HttpApiSchema.status(201)),
      error: ApiKeyInvalid
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Mint a key",
          description: "The answer is the only one that holds the key itself."
        })
      ),
    HttpApiEndpoint.patch("edit", "/:id", {
      params: { id: ApiKeyId },
      payload: ApiKeyPatch,
      success: Schema.Struct({ key: ApiKey }),
      error: [ApiKeyNotFound, ApiKeyInvalid]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Edit a key",
          description: "An absent field stays as it is."
        })
      ),
    HttpApiEndpoint.delete("revoke", "/:id", {
      params: { id: ApiKeyId },
      success: Schema.Struct({ revoked: Schema.Literal(true) }),
      error: ApiKeyNotFound
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Revoke a key",
          description: "It ends for good. One that is revoked already is a 404."
        })
      ),
    HttpApiEndpoint.post("rotate", "/:id/rotate", {
      params: { id: ApiKeyId },
      /** May be left out: an alternative of its own, since only such a null stands for no body at all. */
      payload: [
        Schema.Null,
        Schema.Struct({
          graceSeconds: Schema.optionalKey(
            Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 365 * 86_400 }))
          ).annotateKey({ description: "How long the old key keeps working; 0 ends it now.", default: 86_400 })
        })
      ],
      success: ApiKeyRotated.pipe(HttpApiSchema.status(201)),
      error: [ApiKeyNotFound, ApiKeyInvalid]
    })
      .annotate(Access, Access.secret("full-admin"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Rotate a key",
          description:
            "A new key with the same rights and the same end; the old one keeps working for `graceSeconds`. The body may be left out. The answer is the only one that holds the new key."
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/api-keys")
  .annotateMerge(
    OpenApi.annotations({
      description: "The keys that callers come with. A change is in force everywhere within a second."
    })
  ) {}
