/** The keys that a request claims, as they are kept: what is refused of them is a warning, and none at all a failure. */
import { IdentityMissing, type IngestionWarning } from "@hogsend/core"
import { Result } from "effect"
import { type AssertedKeyKind, normaliseKey, shorten } from "../IdentityKey.ts"
import type { AssertedKey } from "../IdentityResolver.ts"
import type { Claims } from "../Principals.ts"

/** The claimed keys in their order of strength; one that is refused becomes a warning, and the rest goes on. */
export const claimedKeys = (claims: Pick<Claims, "userId" | "email" | "anonymousId">) => {
  const keys: Array<AssertedKey> = []
  const warnings: Array<IngestionWarning> = []
  const claimed: ReadonlyArray<readonly [AssertedKeyKind, string | undefined]> = [
    ["external", claims.userId],
    ["email", claims.email],
    ["anonymous", claims.anonymousId]
  ]
  for (const [kind, raw] of claimed) {
    if (raw === undefined) continue
    const key = normaliseKey(kind, raw)
    if (Result.isFailure(key)) {
      warnings.push({ ...key.failure, key: { kind, value: shorten(kind, raw) } })
    } else if (!keys.some(({ kind: other, value }) => other !== "email" && kind !== "email" && value === key.success)) {
      // One string has one owner, so a user id that is also sent as the anonymous id is one key.
      keys.push({ kind, value: key.success })
    }
  }
  return { keys, warnings }
}

export const identityMissing = (warnings: ReadonlyArray<IngestionWarning>, wanted: string) =>
  new IdentityMissing(
    warnings.length === 0
      ? { error: `The request does not say whom it is about. Send ${wanted}.` }
      : { error: `Every key of the request was refused. ${warnings[0]?.hint ?? ""}`.trim(), warnings }
  )
