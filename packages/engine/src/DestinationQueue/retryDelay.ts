/**
 * When a delivery that failed is tried again: the example schedule of Standard Webhooks, spread by a fifth so that what
 * failed together does not come back together, and what the receiver itself asks for. Pure; times are milliseconds.
 */

const [second, minute, hour] = [1000, 60_000, 3_600_000]

/** The delay after the first attempt, after the second, and so on. After one more it is given up: 75 hours in all. */
export const defaultSchedule: ReadonlyArray<number> = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour
]

const longestWish = 24 * hour

export interface Retry {
  /** The one that failed, from 1. */
  readonly attempt: number
  readonly schedule: ReadonlyArray<number>
  /** What the receiver asked for. */
  readonly retryAfter: number | null
  /** At least 0, less than 1. */
  readonly random: number
}

/** Null: there is no further attempt. A wish is granted when it is later than the schedule, up to a day. */
export const retryDelay = ({ attempt, random, retryAfter, schedule }: Retry): number | null => {
  const step = schedule[attempt - 1]
  if (step === undefined) return null
  return Math.round(Math.max(step * (0.8 + 0.4 * random), Math.min(retryAfter ?? 0, longestWish)))
}

/** A `Retry-After` (RFC 9110, 10.2.3): seconds, or one of the three forms of an HTTP date. Null: it says nothing. */
export const parseRetryAfter = (header: string | undefined, now: number): number | null => {
  const value = header?.trim() ?? ""
  if (/^\d+$/.test(value)) return Math.min(Number(value) * second, longestWish)
  if (!/^(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?,? /i.test(value)) return null
  // The oldest form names no zone and means UTC.
  const date = Date.parse(/\bGMT$/i.test(value) ? value : `${value} GMT`)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
