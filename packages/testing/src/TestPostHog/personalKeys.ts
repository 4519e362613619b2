/** Who asks PostHog's private side: a personal key that is valid and has the scope, or a refusal in PostHog's words. */
import type { Arrival } from "./HttpListener.ts"
import type { PostHogAnswer } from "./PostHogBehaviour.ts"

export type PersonalScope = "project:read" | "person:read" | "person:write" | "hog_function:read" | "hog_function:write"

/** The valid keys, and what each may do. */
export type PersonalKeys = ReadonlyMap<string, ReadonlyArray<PersonalScope>>

/** An error of PostHog's shape. */
export const apiError = (
  status: number,
  type: string,
  code: string,
  detail: string,
  attr: string | null = null
): PostHogAnswer => ({ status, body: { type, code, detail, attr } })

export const notFound = apiError(404, "invalid_request", "not_found", "Not found.")
export const methodNotAllowed = apiError(405, "invalid_request", "method_not_allowed", "Method not allowed.")

const unauthenticated = (code: string, detail: string) => apiError(401, "authentication_error", code, detail)

/** The scopes of the key that the request came with. */
export const scopesOf = (
  { headers }: Arrival,
  personalKeys: PersonalKeys
): ReadonlyArray<PersonalScope> | PostHogAnswer => {
  const key = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1]
  if (key === undefined) return unauthenticated("not_authenticated", "Authentication credentials were not provided.")
  return personalKeys.get(key) ?? unauthenticated("authentication_failed", "Personal API key is invalid.")
}

/** Undefined for a key that may do it; to write is to read, too. */
export const refusal = (
  arrival: Arrival,
  personalKeys: PersonalKeys,
  scope: PersonalScope
): PostHogAnswer | undefined => {
  const scopes = scopesOf(arrival, personalKeys)
  if ("status" in scopes) return scopes
  if (scopes.some((each) => each === scope || each === scope.replace(/:read$/, ":write"))) return undefined
  return apiError(403, "authentication_error", "permission_denied", `API key missing required scope '${scope}'`)
}
