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
}

export const makeCaptures = (options: CapturesOptions) => {
  const { apiKey, retryCount, retryDelay, shutdownTimeout, ...sending } = options
  const client = new QuietPostHog(apiKey, { ...sending, fetchRetryCount: retryCount, fetchRetryDelay: retryDelay })

  const capture = ({ distinctId, event, groups, personless, properties }: AnalyticsEvent): void => {
    // Copied as JSON at once: the caller may change it, and what is no JSON, which is left out, would take its whole batch along.
    Result.try(() =>
      client.capture({
        distinctId,
        event,
        properties: asJson({ ...properties, ...(personless === true && noProfile) }),
        ...(groups && { groups: { ...groups } })
      })
    )
  }

  const shutdown = async (): Promise<void> => {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, shutdownTimeout)
    await Promise.race([client.flush().catch(releaseAnswer), late])
    clearTimeout(timer)
    client.giveUp()
  }

  return { capture, lastError: () => client.lastError, shutdown }
}

/** PostHog makes a profile, which is paid for, of everybody else who has an event. */
const noProfile = { $process_person_profile: false }

const asJson = (value: PersonProperties) =>
  JSON.parse(JSON.stringify(value, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)))
