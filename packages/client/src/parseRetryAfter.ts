/** How long a server or what stands before it asks to be left alone. Pure. */

/** Seconds from a `Retry-After`: a number of them, or a date (RFC 9110, 10.2.3). `now` is in milliseconds. */
export const parseRetryAfter = (value: string | null, now: number): number | undefined => {
  if (value === null) return undefined
  if (/^\s*\d+\s*$/.test(value)) return Number(value)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000)
}
