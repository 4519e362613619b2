/** The scopes' order: `read` < `journey-admin` < `full-admin` is a ladder, the rest stand apart under `full-admin`. */
import type { Scope } from "@hogsend/core"

const ladder: ReadonlyArray<Scope> = ["read", "journey-admin", "full-admin"]

/** Whether a key with the scopes `held` may do what asks for one of `required`. */
export const holds = (held: ReadonlyArray<Scope>, required: ReadonlyArray<Scope>): boolean => {
  if (held.includes("full-admin")) return true
  const highest = Math.max(...held.map((scope) => ladder.indexOf(scope)))
  return required.some((scope) => held.includes(scope) || (ladder.includes(scope) && highest >= ladder.indexOf(scope)))
}
