/** Whom an event of a webhook source is about, by what the source is trusted with. */
import type { IdentityMissing, SourceTrust } from "@hogsend/core"
import { Effect } from "effect"
import { isEmailShaped } from "../IdentityKey.ts"
import type { Claims, Principal } from "../Principals.ts"
import { claimedKeys, identityMissing } from "./claimedKeys.ts"
import { serverPrincipal } from "./serverPrincipal.ts"

/** The source that an event came through. */
export interface SourceOrigin {
  readonly id: string
  readonly trust: SourceTrust
}

/** What an event of a source says of its person: keys, or, of a public one, an id of whatever kind. */
export type SourceClaims = Pick<Claims, "userId" | "email" | "anonymousId" | "emailVerified"> & {
  readonly distinctId?: string | undefined
}

/**
 * Whom an event of a source is about. Of a `server` source as a secret key would say it, but an email is a key only when the
 * vendor says that it is verified. A `public` one attaches: its id is an email when it looks like one, and else may be
 * anything.
 */
export const sourcePrincipal = (
  { id, trust }: SourceOrigin,
  claims: SourceClaims
): Effect.Effect<Principal, IdentityMissing> => {
  const own = { source: id, idempotencyScope: `source:${id}` }
  if (trust === "server") {
    const asServer = serverPrincipal(
      { ...claims, emailVerified: claims.emailVerified === true, userTokens: [] },
      undefined
    )
    return Effect.map(asServer, (principal) => ({ ...principal, ...own }))
  }
  const raw = claims.distinctId
  const { keys, warnings } = claimedKeys(isEmailShaped(raw ?? "") ? { email: raw } : { anonymousId: raw })
  return keys.length === 0
    ? Effect.fail(identityMissing(warnings, "an id of a person"))
    : Effect.succeed({
        assertion: {
          keys,
          vouchedBy: "public",
          anonymousProven: false,
          observesOnly: false,
          attaches: true,
          restores: false,
          tokenIssuedAt: null
        },
        traits: {},
        warnings,
        ...own
      })
}
