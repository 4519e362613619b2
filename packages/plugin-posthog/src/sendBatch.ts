/**
 * Sends events through a client of posthog-node that is theirs alone, so that its `flush` tells about them and nothing else:
 * all of them are there, or it rejects and they come again, under the same ids and times, by which PostHog knows them.
 * One attempt: who calls is the one who tries again. A client's own queue and retries would lose them in silence.
 */
import { AnalyticsMessagesRefused } from "@hogsend/core"
import { Predicate } from "effect"
import { answerOf, isTimeout, QuietPostHog, releaseAnswer } from "./QuietPostHog.ts"
import type { PostHogEvent } from "./toEvents.ts"

export interface StampedEvent extends PostHogEvent {
  readonly uuid: string
  readonly timestamp: Date
}

export interface SendBatchOptions {
  readonly apiKey: string
  readonly host: string
  /** In milliseconds. */
  readonly requestTimeout: number
}

export const sendBatch = async (events: ReadonlyArray<StampedEvent>, options: SendBatchOptions): Promise<void> => {
  const { apiKey, host, requestTimeout } = options
  // More than there are, so that nothing is sent before the flush, and all in one request, if PostHog does not find it too large.
  const flushAt = events.length + 1
  const client = new QuietPostHog(apiKey, { host, requestTimeout, flushAt, flushInterval: 0, fetchRetryCount: 0 })
  const failures: Array<unknown> = []
  // With POSTHOG_CAPTURE_MODE=v1 a flush resolves whatever happened, and this alone tells.
  client.on("error", (cause) => failures.push(cause))
  for (const event of events) client.capture(event)
  await client.flush().catch((cause: unknown) => failures.push(cause))
  if (failures.length === 0) return
  await Promise.all(failures.map(releaseAnswer))
  throw refusal(failures[0])
}

const refusal = (cause: unknown): AnalyticsMessagesRefused => {
  const answer = answerOf(cause)
  if (answer !== undefined) {
    const { headers, status } = answer
    return refused(`PostHog answered ${status}.`, status, headers.get("retry-after"))
  }
  const isNetwork = Predicate.hasProperty(cause, "name") && cause.name === "PostHogFetchNetworkError"
  if (!isNetwork) return refused("The events could not be sent to PostHog.")
  const isLate = Predicate.hasProperty(cause, "error") && isTimeout(cause.error)
  return isLate
    ? new AnalyticsMessagesRefused({ error: late, status: null, retryAfter: null, reason: "timeout" })
    : refused("PostHog could not be reached.")
}

const late = "PostHog did not answer in time."

const refused = (error: string, status: number | null = null, retryAfter: string | null = null) =>
  new AnalyticsMessagesRefused({ error, status, retryAfter })
