/** Whom a secret key acts for: it is believed, in every key that it names. */
import type { IdentityMissing, IngestionWarning } from "@hogsend/core"
import { Effect } from "effect"
import type { Claims, Principal } from "../Principals.ts"
import { claimedKeys, identityMissing } from "./claimedKeys.ts"

/** `user` is whom a token names that came with it. */
export const serverPrincipal = (
  claims: Claims,
  user: string | undefined
): Effect.Effect<Principal, IdentityMissing> => {
  const named = claims.reads === true && user !== undefined ? { ...claims, userId: user } : claims
  const { keys: all, warnings } = claimedKeys(named)
  const unverified = claims.emailVerified === false ? all.find(({ kind }) => kind === "email") : undefined
  const keys = all.filter((key) => key !== unverified)
  const browser = user !== undefined || claims.device !== undefined || claims.fromBrowser === true
  return keys.length === 0
    ? Effect.fail(identityMissing(warnings, unverified === undefined ? anyKey : verifiedKey))
    : Effect.succeed({
        assertion: {
          keys,
          vouchedBy: "server",
          anonymousProven: true,
          observesOnly: false,
          restores: claims.restore === true,
          tokenIssuedAt: null
        },
        traits: unverified === undefined ? {} : { email: unverified.value },
        warnings: browser ? [...warnings, browserBody] : warnings,
        source: "api",
        idempotencyScope: "server"
      })
}

const anyKey = "userId, email or anonymousId"
const verifiedKey = "userId, anonymousId, or an email that is verified: one with emailVerified: false is no key"

const browserBody: IngestionWarning = {
  code: "browser_body_under_secret_key",
  hint:
    "A browser's request came in under a secret key, which believes whatever it says. For a proxy, mint a secret key " +
    "with the single scope ingest-public."
}
