/**
 * API keys as they cross the wire, and the scopes that they carry.
 *
 * A secret key is `hsk_` and a publishable key `pk_` before the base64url of 32 random bytes. The key itself is shown by
 * create and rotate only; the server keeps its SHA-256.
 */
import * as Schema from "effect/Schema"
import { Instant } from "./Instant.ts"
import { Timestamp } from "./Timestamp.ts"
import { TaggedError } from "./TaggedError.ts"

export const ApiKeyId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("ApiKeyId"))
export type ApiKeyId = typeof ApiKeyId.Type

/** What a key may do. */
export const Scope = Schema.Literals(["read", "journey-admin", "full-admin", "ingest", "ingest-public", "erase"])
export type Scope = typeof Scope.Type

const scopesProse =
  "What the key may do. `read`: read contacts, events and warnings. `journey-admin`: also manage journeys. `full-admin`: everything, keys and the audit log included. `ingest`: send events and contacts as a server that is believed, find and erase contacts by key. `ingest-public`: send as a browser; alone on a secret key it makes a proxy key. `erase`: erase contacts."
const originsProse =
  "The web origins that a publishable key works from: scheme, host and port without a path or a slash at the end. `https://*.example.com` stands for every subdomain and not for `https://example.com`; `http://localhost:*` for every port, on loopback hosts only."

/** A key as every answer but the first shows it. Times are ISO-8601 UTC. */
export class ApiKey extends Schema.Class<ApiKey>("ApiKey")({
  id: ApiKeyId,
  name: Schema.String,
  keyPrefix: Schema.String.annotateKey({ description: "The first 8 characters of the key." }),
  scopes: Schema.Array(Scope).annotateKey({ description: scopesProse }),
  allowedOrigins: Schema.NullOr(Schema.Array(Schema.String)).annotateKey({
    description: `${originsProse} Null for a secret key.`
  }),
  createdBy: Schema.NullOr(Schema.String).annotateKey({
    description: "The name of the key that minted it; `boot` for the server itself."
  }),
  lastUsedAt: Schema.NullOr(Instant).annotateKey({ description: "Noted at most once a minute." }),
  revokedAt: Schema.NullOr(Instant),
  expiresAt: Schema.NullOr(Instant).annotateKey({ description: "Null: never." }),
  successorId: Schema.NullOr(ApiKeyId).annotateKey({ description: "The key that this one was rotated to." }),
  createdAt: Instant
}) {}

/** The answer of create and rotate: the only one that holds the key itself. */
export class ApiKeyMinted extends Schema.Class<ApiKeyMinted>("ApiKeyMinted")({
  id: ApiKeyId,
  name: Schema.String,
  key: Schema.String.annotateKey({ description: "Shown this once. Keep it where you keep your secrets." }),
  keyPrefix: Schema.String.annotateKey({ description: "The first 8 characters of the key." }),
  scopes: Schema.Array(Scope).annotateKey({ description: scopesProse }),
  allowedOrigins: Schema.NullOr(Schema.Array(Schema.String)).annotateKey({
    description: `${originsProse} Null for a secret key.`
  }),
  expiresAt: Schema.NullOr(Instant).annotateKey({ description: "Null: never." }),
  createdAt: Instant
}) {}

/** The answer of rotate: the new key, and until when the old one works. */
export class ApiKeyRotated extends ApiKeyMinted.extend<ApiKeyRotated>("ApiKeyRotated")({
  previous: Schema.Struct({
    id: ApiKeyId,
    expiresAt: Schema.NullOr(Instant).annotateKey({ description: "Null: never." })
  })
}) {}

const Name = Schema.String.check(
  Schema.isMinLength(1),
  Schema.isMaxLength(100),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { message: "Expected a name without control characters" })
)
const Origins = Schema.Array(Schema.String.check(Schema.isMaxLength(300))).check(Schema.isMaxLength(100))

/** What a new key shall be. */
export const ApiKeyDraft = Schema.Struct({
  name: Name,
  scopes: Schema.optionalKey(Schema.NonEmptyArray(Scope)).annotateKey({
    description: `${scopesProse} Default: \`read\`.`
  }),
  publishable: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "A key for browsers: forces the scope `ingest-public` and needs at least one of `allowedOrigins`.",
    default: false
  }),
  allowedOrigins: Schema.optionalKey(Origins).annotateKey({ description: originsProse }),
  expiresAt: Schema.optionalKey(Schema.NullOr(Timestamp)).annotateKey({
    description: "When the key ends; a time ahead. Absent or null: never."
  })
})
export type ApiKeyDraft = typeof ApiKeyDraft.Type

/** What can be edited. An absent field stays as it is. */
export const ApiKeyPatch = Schema.Struct({
  name: Schema.optionalKey(Name),
  scopes: Schema.optionalKey(Schema.NonEmptyArray(Scope)).annotateKey({ description: scopesProse }),
  allowedOrigins: Schema.optionalKey(Origins).annotateKey({ description: originsProse })
})
export type ApiKeyPatch = typeof ApiKeyPatch.Type

export class ApiKeyNotFound extends TaggedError<ApiKeyNotFound>()(
  "ApiKeyNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No key has this id, or it is revoked already." }
) {}

export class ApiKeyInvalid extends TaggedError<ApiKeyInvalid>()(
  "ApiKeyInvalid",
  { error: Schema.String },
  {
    httpApiStatus: 400,
    description:
      "The combination of scopes, origins and expiry makes no key that could work, or the key to rotate has expired."
  }
) {}
