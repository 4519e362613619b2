/** The keys by which a server names a contact that it wants to read or to erase: each on its own, as it would be sent. */
import { IdentityMissing } from "@hogsend/core"
import { Result } from "effect"
import { type AssertedKeyKind, normaliseKey } from "./IdentityKey.ts"

/** Keys as a request names them. */
export interface ContactKeys {
  readonly userId?: string | undefined
  readonly email?: string | undefined
  readonly anonymousId?: string | undefined
}

/** The keys as they are kept. One that is never accepted is nobody's, and left out; none at all is a failure. */
export const assertedKeys = (
  keys: ContactKeys
): Result.Result<ReadonlyArray<{ readonly kind: AssertedKeyKind; readonly value: string }>, IdentityMissing> => {
  const claimed = [
    ["external", keys.userId],
    ["email", keys.email],
    ["anonymous", keys.anonymousId]
  ] as const
  const given = claimed.flatMap(([kind, value]) => (value === undefined ? [] : [[kind, value] as const]))
  if (given.length === 0) return Result.fail(new IdentityMissing({ error: "Send userId, email or anonymousId." }))
  return Result.succeed(
    given.flatMap(([kind, raw]) =>
      Result.match(normaliseKey(kind, raw), { onFailure: () => [], onSuccess: (value) => [{ kind, value }] })
    )
  )
}
