/** Where a request comes from, and whether a publishable key may be used from there. */
import { AllowedOrigin } from "../AllowedOrigin.ts"

/** The facts of a request that decide its origin, as its headers say them. */
export interface OriginFacts {
  readonly method: string
  readonly origin: string | undefined
  readonly secFetchSite: string | undefined
  readonly host: string | undefined
  /** Address of the socket's other end. */
  readonly peer?: string | undefined
  /** The header `X-Forwarded-For`. */
  readonly forwardedFor?: string | undefined
}

/**
 * Undefined when the request comes from an allowed origin, else the sentence that says why not. Browsers send no `Origin`
 * on a same-origin GET, so there the page's own origin, which is the `Host` asked for, must be on the list.
 */
export const isAllowedFrom = (allowed: ReadonlyArray<string>, facts: OriginFacts): string | undefined => {
  if (allowed.length === 0)
    return "This publishable key has no allowed origins. Add one with PATCH /v1/admin/api-keys/{id}."
  if (facts.origin !== undefined) {
    return AllowedOrigin.anyMatches(allowed, facts.origin)
      ? undefined
      : "This origin is not allowed for this publishable key. Add it to the key's allowedOrigins."
  }
  const sameOriginRead = ["GET", "HEAD"].includes(facts.method) && facts.secFetchSite === "same-origin"
  if (sameOriginRead && facts.host !== undefined) {
    return [`https://${facts.host}`, `http://${facts.host}`].some((own) => AllowedOrigin.anyMatches(allowed, own))
      ? undefined
      : "This site's own origin is not allowed for this publishable key. Add it to the key's allowedOrigins."
  }
  return "A publishable key is for browsers: the request has no Origin header. From a server, use a secret key."
}
