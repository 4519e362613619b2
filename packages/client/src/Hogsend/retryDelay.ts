/** Whether a call that failed is sent again, and after how long: exponential backoff with full jitter. Pure. */
import { HogsendAPIError, HogsendConnectionError, HogsendResponseError, HogsendTimeoutError } from "../HogsendError.ts"

export interface RetryRules {
  /** In milliseconds. */
  readonly retryDelay: number
  /** In milliseconds. */
  readonly maxRetryDelay: number
}

export interface Failed {
  readonly error: unknown
  /** How many attempts there were before it. */
  readonly attempt: number
  /** Whether a second request would change nothing more, though the first one was carried out. */
  readonly repeatable: boolean
}

/** The pause in milliseconds; undefined: it is not sent again. `random` is from 0 to below 1. */
export const retryDelay = (failed: Failed, rules: RetryRules, random: number): number | undefined => {
  if (!mayRetry(failed)) return undefined
  const backoff = random * Math.min(rules.maxRetryDelay, rules.retryDelay * 2 ** failed.attempt)
  const told = (retryAfterOf(failed.error) ?? 0) * 1000
  // Coming back before that would be refused again, and count.
  return told > rules.maxRetryDelay ? undefined : told + backoff
}

const mayRetry = ({ error, repeatable }: Failed): boolean => {
  if (error instanceof HogsendConnectionError || error instanceof HogsendTimeoutError) return repeatable
  if (!(error instanceof HogsendAPIError || error instanceof HogsendResponseError)) return false
  // Of a 429 alone it is certain that nothing was done.
  return error.status === 429 || (repeatable && [502, 503, 504].includes(error.status))
}

const retryAfterOf = (error: unknown) =>
  error instanceof HogsendAPIError || error instanceof HogsendResponseError ? error.retryAfter : undefined
