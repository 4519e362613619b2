/**
 * Who may call a route, and how a refusal reads.
 *
 * Every guarded endpoint carries the `Authorization` middleware and an `Access` annotation; an endpoint that forgets the
 * annotation asks for `full-admin`. The middleware's implementation is the engine's `KeyGate`.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import type { ApiKeyId, Scope } from "./ApiKey.ts"
import { DatabaseUnavailable, RateLimitedAnswer } from "./Envelope.ts"
import { Instant } from "./Instant.ts"
import { TaggedError } from "./TaggedError.ts"

/**
 * What a route asks of its caller: one of `scopes`; `browser` routes are also open to publishable and proxy keys, with
 * the rights that these have.
 */
export interface Access {
  readonly browser: boolean
  readonly scopes: readonly [Scope, ...Array<Scope>]
}

/** The annotation that holds a route's `Access`. */
export const Access = Object.assign(
  Context.Reference<Access>("core/Access", { defaultValue: () => ({ browser: false, scopes: ["full-admin"] }) }),
  {
    /** Open to `ingest` keys, and to publishable and proxy keys within what these may do. */
    browser: { browser: true, scopes: ["ingest"] } satisfies Access,
    /** Open to secret keys that hold one of the scopes. */
    secret: (...scopes: readonly [Scope, ...Array<Scope>]): Access => ({ browser: false, scopes })
  }
)

/**
 * Who calls: the key that the request was made under. `restricted` callers (publishable and proxy keys) are browsers, or
 * speak for them, and must prove whom they act for.
 */
export class Caller extends Context.Service<
  Caller,
  {
    /** `null` for the admin key of the environment, which is no row. */
    readonly keyId: ApiKeyId | null
    readonly name: string
    readonly scopes: ReadonlyArray<Scope>
    readonly restricted: boolean
    /** The visitor's address, the first 64 bits of it in IPv6: of restricted callers, when it is known. */
    readonly address?: string | undefined
  }
>()("core/Caller") {}

export class Unauthorized extends TaggedError<Unauthorized>()(
  "Unauthorized",
  { error: Schema.String },
  {
    httpApiStatus: 401,
    description: "No key, a malformed one, or one that is unknown or revoked; of a webhook no good secret or signature."
  }
) {}

export class KeyExpired extends TaggedError<KeyExpired>()(
  "KeyExpired",
  { error: Schema.String, expiredAt: Instant },
  { httpApiStatus: 401, description: "The key's `expiresAt` has passed." }
) {}

export class ScopeMissing extends TaggedError<ScopeMissing>()(
  "ScopeMissing",
  { error: Schema.String, required: Schema.Array(Schema.String) },
  { httpApiStatus: 403, description: "The key is good but does not hold the scope that this route asks for." }
) {}

export class OriginDenied extends TaggedError<OriginDenied>()(
  "OriginDenied",
  { error: Schema.String },
  { httpApiStatus: 403, description: "A publishable key was used from an origin that is not on its list." }
) {}

const bearer = HttpApiSecurity.bearer.pipe(
  HttpApiSecurity.annotate(
    OpenApi.Description,
    [
      "An API key: `Authorization: Bearer hsk_…` or `pk_…`, each with 43 characters behind.",
      "A secret key (`hsk_`) is for servers, is believed in what it says, and may do what its scopes open: `read` < `journey-admin` < `full-admin` is a ladder, `ingest` and `erase` stand apart, and `full-admin` opens all of them.",
      "A publishable key (`pk_`) may stand in a web page: it works only from its allowed origins and only on the routes that say so, and a browser must prove whom it acts for.",
      "A proxy key is a secret key with the single scope `ingest-public`: it has a publishable key's rights, without the origins, for a server that passes browsers' requests on."
    ].join("\n\n")
  )
)

/** The key of a request. Judged after routing and before the body is read. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: Caller }>()(
  "core/Authorization",
  {
    requiredForClient: true,
    security: { bearer },
    error: [Unauthorized, KeyExpired, ScopeMissing, OriginDenied, RateLimitedAnswer, DatabaseUnavailable]
  }
) {}
