/** What makes a key that can work: the rules of scopes, origins and expiry, before any SQL. */
import { ApiKeyInvalid, type Scope } from "@hogsend/core"
import { Result } from "effect"
import { AllowedOrigin } from "../AllowedOrigin.ts"

/** The rights of a key: what a draft or an edit asks for. */
export interface ApiKeyRights {
  readonly publishable: boolean
  readonly scopes: ReadonlyArray<Scope>
  readonly allowedOrigins: ReadonlyArray<string> | null
}

const invalid = (error: string) => Result.fail(new ApiKeyInvalid({ error }))

/**
 * A publishable key holds exactly `ingest-public` and at least one origin; a secret key holds no origins, and
 * `ingest-public` only by itself, which makes it a proxy key. `loopback` allows a port star on loopback hosts.
 */
export const checkRights = (rights: ApiKeyRights): Result.Result<ApiKeyRights, ApiKeyInvalid> => {
  if (!rights.publishable) {
    if (rights.allowedOrigins !== null && rights.allowedOrigins.length > 0) {
      return invalid("Only a publishable key has allowedOrigins. Leave them out, or mint with publishable: true.")
    }
    const scopes = [...new Set(rights.scopes)]
    return scopes.includes("ingest-public") && scopes.length > 1
      ? invalid("ingest-public stands alone: a secret key with just that scope is for an ingest proxy.")
      : Result.succeed({ publishable: false, scopes, allowedOrigins: null })
  }
  const origins: Array<string> = []
  for (const origin of rights.allowedOrigins ?? []) {
    const normalised = AllowedOrigin.normalise(origin)
    if (Result.isFailure(normalised)) return invalid(`allowedOrigins: ${normalised.failure}`)
    if (!origins.includes(normalised.success)) origins.push(normalised.success)
  }
  return origins.length === 0
    ? invalid('A publishable key needs allowedOrigins, for example ["https://app.example.com"].')
    : Result.succeed({ publishable: true, scopes: ["ingest-public"], allowedOrigins: origins })
}
