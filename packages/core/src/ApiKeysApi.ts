/** `/v1/admin/api-keys`. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import {
  ApiKey,
  ApiKeyDraft,
  ApiKeyId,
  ApiKeyInvalid,
  ApiKeyMinted,
  ApiKeyNotFound,
  ApiKeyPatch,
  Scope
} from "./ApiKey.ts"
import { Access, Authorization } from "./Authorization.ts"
import { PageFields, PageQuery } from "./Page.ts"

export class ApiKeysApi extends HttpApiGroup.make("apiKeys")
  .add(
    /** The key that this request was made under; never the key itself. */
    HttpApiEndpoint.get("self", "/self", {
      success: Schema.Struct({
        actor: Schema.Literal("api-key"),
        id: Schema.String,
        name: Schema.String,
        scopes: Schema.Array(Scope)
      })
    }).annotate(Access, Access.secret("read")),
    HttpApiEndpoint.get("list", "/", {
      query: { ...PageQuery, includeRevoked: Schema.optionalKey(Schema.Literals(["true", "false"])) },
      success: Schema.Struct({ keys: Schema.Array(ApiKey), ...PageFields })
    }).annotate(Access, Access.secret("full-admin")),
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: ApiKeyId },
      success: Schema.Struct({ key: ApiKey }),
      error: ApiKeyNotFound
    }).annotate(Access, Access.secret("full-admin")),
    HttpApiEndpoint.post("mint", "/", {
      payload: ApiKeyDraft,
      success: ApiKeyMinted.pipe(HttpApiSchema.status(201)),
      error: ApiKeyInvalid
    }).annotate(Access, Access.secret("full-admin")),
    HttpApiEndpoint.patch("edit", "/:id", {
      params: { id: ApiKeyId },
      payload: ApiKeyPatch,
      success: Schema.Struct({ key: ApiKey }),
      error: [ApiKeyNotFound, ApiKeyInvalid]
    }).annotate(Access, Access.secret("full-admin")),
    HttpApiEndpoint.delete("revoke", "/:id", {
      params: { id: ApiKeyId },
      success: Schema.Struct({ revoked: Schema.Literal(true) }),
      error: ApiKeyNotFound
    }).annotate(Access, Access.secret("full-admin")),
    /** A new key with the same rights; the old one keeps working for `graceSeconds` (default a day, 0 ends it now). */
    HttpApiEndpoint.post("rotate", "/:id/rotate", {
      params: { id: ApiKeyId },
      /** May be left out: an alternative of its own, since only such a null stands for no body at all. */
      payload: [
        Schema.Null,
        Schema.Struct({
          graceSeconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 365 * 86_400 })))
        })
      ],
      success: ApiKeyMinted.pipe(HttpApiSchema.status(201)),
      error: [ApiKeyNotFound, ApiKeyInvalid]
    }).annotate(Access, Access.secret("full-admin"))
  )
  .middleware(Authorization)
  .prefix("/v1/admin/api-keys") {}
