/** Why a write or a read failed, by the status that was answered. Pure. */
import type { AnalyticsWriteFailure } from "./AnalyticsProvider.ts"

/** Of a status of HTTP that is none of success. */
export const failureOfStatus = (status: number): AnalyticsWriteFailure => {
  if (status === 401 || status === 403) return "unauthorized"
  if (status === 429) return "rate-limited"
  return status === 408 || status === 504 ? "timeout" : "bad-response"
}
