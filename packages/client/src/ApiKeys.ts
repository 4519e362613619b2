/** The keys that callers come with. Every method but `self` needs a `full-admin` key. */
import type * as Core from "@hogsend/core"
import type { Answer } from "./Answer.ts"
import type { RequestOptions } from "./Hogsend.ts"
import type { Transport } from "./Hogsend/makeTransport.ts"
import { path } from "./Hogsend/path.ts"
import type { Page, PageQuery } from "./Page.ts"

/** A key, without the key itself. Times are ISO-8601 texts. */
export interface ApiKey extends Answer<typeof Core.ApiKey> {}

/** A new key: `key` is the key itself, which is shown this once. */
export interface ApiKeyCreated extends Answer<typeof Core.ApiKeyMinted> {}

/** A new key, which is shown this once, and until when the `previous` one works. */
export interface ApiKeyRotated extends Answer<typeof Core.ApiKeyRotated> {}

/** Under which key a client asks. */
export interface ApiKeySelf {
  readonly actor: "api-key"
  readonly id: string
  readonly name: string
  readonly scopes: ReadonlyArray<Core.Scope>
}

/** A key to create. */
export interface ApiKeyDraft {
  /** 1 to 100 characters. */
  readonly name: string
  /** What it may do. Default: `read`. */
  readonly scopes?: ReadonlyArray<Core.Scope> | undefined
  /** True: a key for browsers, which works from its `allowedOrigins` alone. Default: false. */
  readonly publishable?: boolean | undefined
  /** Scheme, host and port: `https://app.example.com`, `https://*.example.com`. */
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
  /** When it ends, ISO-8601 with a zone if it is a text. Default: never. */
  readonly expiresAt?: Date | string | null | undefined
}

/** What to change: an absent field stays as it is. */
export interface ApiKeyPatch {
  readonly name?: string | undefined
  readonly scopes?: ReadonlyArray<Core.Scope> | undefined
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
}

export interface ApiKeyPage extends Page {
  readonly keys: ReadonlyArray<ApiKey>
}

/** Which keys to list. */
export interface ApiKeyQuery extends PageQuery {
  /** Whether revoked ones are listed, too. Default: false. */
  readonly includeRevoked?: boolean | undefined
}

export interface ApiKeys {
  /** Who asks: the key of this client, which needs the scope `read`. */
  readonly self: (options?: RequestOptions) => Promise<ApiKeySelf>
  /** Newest first. */
  readonly list: (query?: ApiKeyQuery, options?: RequestOptions) => Promise<ApiKeyPage>
  readonly get: (id: string, options?: RequestOptions) => Promise<ApiKey>
  /**
   * Makes a key; the answer is the only one that holds it.
   *
   * @example
   * const { key } = await hogsend.apiKeys.create({ name: "shop", scopes: ["ingest"] })
   */
  readonly create: (key: ApiKeyDraft, options?: RequestOptions) => Promise<ApiKeyCreated>
  readonly update: (id: string, patch: ApiKeyPatch, options?: RequestOptions) => Promise<ApiKey>
  /** It ends for good, everywhere within a second. Rejected with `ApiKeyNotFound` when it has ended already. */
  readonly revoke: (id: string, options?: RequestOptions) => Promise<{ readonly revoked: true }>
  /** A new key with the same rights. `graceSeconds`: how long the old one works, too; 0 ends it now. Default: a day. */
  readonly rotate: (
    id: string,
    rotation?: { readonly graceSeconds?: number | undefined },
    options?: RequestOptions
  ) => Promise<ApiKeyRotated>
}

export const makeApiKeys = (send: Transport): ApiKeys => {
  const keyOf = async (answer: Promise<{ readonly key: ApiKey }>) => (await answer).key

  return {
    self: async (options) =>
      send<ApiKeySelf>({ method: "GET", path: "/v1/admin/api-keys/self", fields: ["id", "scopes"] }, options),
    list: async ({ includeRevoked, limit, offset } = {}, options) =>
      send<ApiKeyPage>(
        {
          method: "GET",
          path: "/v1/admin/api-keys",
          query: { limit, offset, includeRevoked },
          fields: ["keys", "total"]
        },
        options
      ),
    get: async (id, options) =>
      keyOf(send({ method: "GET", path: path`/v1/admin/api-keys/${id}`, fields: ["key"] }, options)),
    create: async (key, options) =>
      send<ApiKeyCreated>({ method: "POST", path: "/v1/admin/api-keys", body: key, fields: ["id", "key"] }, options),
    update: async (id, patch, options) =>
      keyOf(send({ method: "PATCH", path: path`/v1/admin/api-keys/${id}`, body: patch, fields: ["key"] }, options)),
    revoke: async (id, options) =>
      send<{ readonly revoked: true }>(
        { method: "DELETE", path: path`/v1/admin/api-keys/${id}`, fields: ["revoked"] },
        options
      ),
    rotate: async (id, { graceSeconds } = {}, options) =>
      send<ApiKeyRotated>(
        {
          method: "POST",
          path: path`/v1/admin/api-keys/${id}/rotate`,
          body: { graceSeconds },
          fields: ["id", "key", "previous"]
        },
        options
      )
  }
}
