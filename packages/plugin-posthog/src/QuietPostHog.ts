/**
 * posthog-node's client, for a library: it prints nothing, keeps no connection busy with an answer that nobody reads, and
 * follows no redirect, on which fetch would make a GET without a body of a batch and take its answer for the batch's.
 */
import { type AnalyticsWriteError, failureOfStatus } from "@hogsend/core"
import { Predicate } from "effect"
import { PostHog } from "posthog-node"

type Fetch = PostHog["fetch"]

export class QuietPostHog extends PostHog {
  #gaveUp = false
  #lastError: AnalyticsWriteError | null = null

  /** How the last request failed; null after one that was answered with success. */
  get lastError(): AnalyticsWriteError | null {
    return this.#lastError
  }

  override async fetch(...[url, options]: Parameters<Fetch>): ReturnType<Fetch> {
    if (this.#gaveUp) return new Response(null, { status: 410 })
    const answer = await fetch(url, { ...options, redirect: "manual" }).catch((cause: unknown) => {
      this.#note(isTimeout(cause) ? "timeout" : "unreachable")
      throw cause
    })
    this.#note(answer.ok ? null : failureOfStatus(answer.status))
    return answer
  }

  #note(reason: AnalyticsWriteError["reason"] | null): void {
    this.#lastError = reason && { reason, at: new Date() }
  }

  /** Nothing is sent any more: what is being tried again ends with the next try, since this is no status to try again for. */
  giveUp(): void {
    this.#gaveUp = true
  }

  /** What the client sends by itself: it would print why it failed. */
  protected override flushAutomatic(): Promise<void> {
    return super.flushAutomatic().catch(releaseAnswer)
  }
}

/** Whether a request rejected because its time was over. */
export const isTimeout = (cause: unknown): boolean =>
  cause instanceof Error && /^(Timeout|Abort)Error$/.test(cause.name)

/** The answer that a failed flush comes with, if there was one. */
export const answerOf = (cause: unknown): Response | undefined =>
  Predicate.hasProperty(cause, "response") && cause.response instanceof Response ? cause.response : undefined

/** posthog-node leaves a refusal's body for whoever wants to print it. */
export const releaseAnswer = async (cause: unknown): Promise<void> => {
  await answerOf(cause)
    ?.body?.cancel()
    .catch(() => undefined)
}
