/** When an event happened: what the caller says, within reason, else when it arrived. */
import type { IngestionWarning } from "@hogsend/core"

const dayMs = 86_400_000
const hourMs = 3_600_000

export interface Occurrence {
  readonly occurredAt: Date
  readonly warnings: ReadonlyArray<IngestionWarning>
}

/** Up to 30 days back and 1 hour ahead are believed. */
export const occurrence = (timestamp: Date | undefined, receivedAtMs: number): Occurrence => {
  const receivedAt = new Date(receivedAtMs)
  if (timestamp === undefined) return { occurredAt: receivedAt, warnings: [] }
  const ageMs = receivedAtMs - timestamp.getTime()
  return ageMs > 30 * dayMs || ageMs < -hourMs
    ? { occurredAt: receivedAt, warnings: [outOfRange] }
    : { occurredAt: timestamp, warnings: [] }
}

const outOfRange: IngestionWarning = {
  code: "timestamp_out_of_range",
  hint: "The timestamp is over 30 days old or over an hour ahead, so the time of arrival was taken. Check the sender's clock."
}
