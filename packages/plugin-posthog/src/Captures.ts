/**
 * Best effort: what a host app captures goes into a queue of posthog-node, which sends it in the background, tries it a few
 * times and drops the oldest where too much waits. Nothing here throws, prints, or waits; `shutdown` sends what is queued.
 */
import type { AnalyticsEvent, PersonProperties } from "@hogsend/core"
import { Result } from "effect"
import { QuietPostHog, releaseAnswer } from "./QuietPostHog.ts"

export interface CapturesOptions {
  readonly apiKey: string
  readonly host: string
  readonly requestTimeout: number
  readonly shutdownTimeout: number
  readonly maxQueueSize: number
  readonly flushAt: number
  readonly flushInterval: number
  readonly retryCount: number
  readonly retryDelay: number
  /** What every event carries. */
  readonly mark: () => PersonProperties
}

export const makeCaptures = (options: CapturesOptions) => {
  const { retryCount, retryDelay, ...rest } = options
  const client = new QuietPostHog(options.apiKey, { ...rest, fetchRetryCount: retryCount, fetchRetryDelay: retryDelay })
  let open = true

  const capture = ({ distinctId, event, groups, personless, properties }: AnalyticsEvent): void => {
    if (!open) return
    // Copied as JSON at once: the caller may change it, and what is no JSON would take its whole batch with it.
    Result.match(
      Result.try(() => asJson({ ...properties, ...(personless === true && noProfile), ...options.mark() })),
      {
        onFailure: () => undefined,
        onSuccess: (properties) =>
          client.capture({ distinctId, event, properties, ...(groups && { groups: { ...groups } }) })
      }
    )
  }

  const shutdown = async (): Promise<void> => {
    open = false
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, options.shutdownTimeout)
    await Promise.race([client.flush().catch(releaseAnswer), late])
    clearTimeout(timer)
    client.giveUp()
  }

  return { capture, shutdown }
}

/** PostHog makes a profile, which is paid for, of everybody else who has an event. */
const noProfile = { $process_person_profile: false }

const asJson = (value: PersonProperties) =>
  JSON.parse(JSON.stringify(value, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)))
