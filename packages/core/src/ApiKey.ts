/**
 * API keys as they cross the wire, and the scopes that they carry.
 *
 * A secret key is `hsk_` and a publishable key `pk_` before the base64url of 32 random bytes. The key itself is shown by
 * create and rotate only; the server keeps its SHA-256.
 */
import * as Schema from "effect/Schema"
import { Timestamp } from "./Timestamp.ts"

export const ApiKeyId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("ApiKeyId"))
export type ApiKeyId = typeof ApiKeyId.Type

/**
 * What a key may do. `read` < `journey-admin` < `full-admin` is a ladder, and each opens what it says; `ingest`,
 * `ingest-public` and `erase` stand apart, and `full-admin` implies them.
 */
export const Scope = Schema.Literals(["read", "journey-admin", "full-admin", "ingest", "ingest-public", "erase"])
export type Scope = typeof Scope.Type

/** A key as every answer but the first shows it. Times are ISO-8601 UTC. */
export class ApiKey extends Schema.Class<ApiKey>("ApiKey")({
  id: ApiKeyId,
  name: Schema.String,
  /** The first 8 characters of the key. */
  keyPrefix: Schema.String,
  scopes: Schema.Array(Scope),
  allowedOrigins: Schema.NullOr(Schema.Array(Schema.String)),
  createdBy: Schema.NullOr(Schema.String),
  lastUsedAt: Schema.NullOr(Schema.Date),
  revokedAt: Schema.NullOr(Schema.Date),
  expiresAt: Schema.NullOr(Schema.Date),
  createdAt: Schema.Date
}) {}

/** The answer of create and rotate: the only one that holds the key itself. */
export class ApiKeyMinted extends Schema.Class<ApiKeyMinted>("ApiKeyMinted")({
  id: ApiKeyId,
  name: Schema.String,
  /** Shown this once. Keep it where you keep your secrets. */
  key: Schema.String,
  keyPrefix: Schema.String,
  scopes: Schema.Array(Scope),
  allowedOrigins: Schema.NullOr(Schema.Array(Schema.String)),
  expiresAt: Schema.NullOr(Schema.Date),
  createdAt: Schema.Date
}) {}

const Name = Schema.String.check(
  Schema.isMinLength(1),
  Schema.isMaxLength(100),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { message: "Expected a name without control characters" })
)
const Origins = Schema.Array(Schema.String.check(Schema.isMaxLength(300))).check(Schema.isMaxLength(100))

/** `publishable: true` forces the scope `ingest-public` and needs at least one origin. */
export const ApiKeyDraft = Schema.Struct({
  name: Name,
  scopes: Schema.optionalKey(Schema.NonEmptyArray(Scope)),
  publishable: Schema.optionalKey(Schema.Boolean),
  allowedOrigins: Schema.optionalKey(Origins),
  expiresAt: Schema.optionalKey(Schema.NullOr(Timestamp))
})
export type ApiKeyDraft = typeof ApiKeyDraft.Type

/** What can be edited. An absent field stays as it is. */
export const ApiKeyPatch = Schema.Struct({
  name: Schema.optionalKey(Name),
  scopes: Schema.optionalKey(Schema.NonEmptyArray(Scope)),
  allowedOrigins: Schema.optionalKey(Origins)
})
export type ApiKeyPatch = typeof ApiKeyPatch.Type

/** 404: no key has this id, or it is revoked already. */
export class ApiKeyNotFound extends Schema.TaggedError<ApiKeyNotFound>()(
  "ApiKeyNotFound",
  { error: Schema.String },
  { httpApiStatus: 404 }
) {}

/** 400: the combination of scopes, origins and expiry makes no key that could work, or the key to rotate has expired. */
export class ApiKeyInvalid extends Schema.TaggedError<ApiKeyInvalid>()(
  "ApiKeyInvalid",
  { error: Schema.String },
  { httpApiStatus: 400 }
) {}
