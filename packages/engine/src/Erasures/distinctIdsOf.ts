/** By what an analytics provider may know somebody who is erased. Pure. */
import type { LockedKey } from "./ErasuresRepo.ts"

/**
 * Every key but emails. What the provider was told to join into a key of somebody else who is still here is that one's person
 * there, and is left out: it was split off, and to delete it would delete them.
 */
export const distinctIdsOf = (keys: ReadonlyArray<LockedKey>): ReadonlyArray<string> => {
  const ours = new Set(keys.map(({ keyId }) => keyId))
  return keys.flatMap(({ former, toldTo, ...key }) => {
    const { kind, value } = former ?? key
    const isKnown = kind !== "email" && kind !== "history"
    return isKnown && (toldTo === null || ours.has(toldTo)) ? [value] : []
  })
}
