/**
 * Row ids: uuid v7 (RFC 9562, method 1), so that ids minted by one process sort in the order of minting.
 *
 * Made of `randomUUID`, which draws from a batch of random bytes; `effect/crypto/SecureRandom` asks the system for every id,
 * which takes ten times as long.
 */

/** The time of the last id, and how many were minted in its millisecond before it. */
const last = { ms: 0, count: 0 }

export const newId = (): string => {
  const now = Date.now()
  last.count += 1
  if (now > last.ms || last.count > 0xfff) {
    // A clock that was set back, or a millisecond that is full, borrows from the next one.
    last.ms = Math.max(now, last.ms + 1)
    last.count = 0
  }
  const time = last.ms.toString(16).padStart(12, "0")
  const count = last.count.toString(16).padStart(3, "0")
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}${globalThis.crypto.randomUUID().slice(18)}`
}
