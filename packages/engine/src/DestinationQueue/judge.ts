/**
 * What an answer, or none, means for a delivery and for its endpoint.
 *
 * Pure. A success ends it, and a redirect, which nobody follows, is none; a refusal of the message itself (400, 413, 422) twice in a row ends it, too; 410 says that the
 * endpoint is gone for good, or only what a destination asked for there; everything else is tried again as the schedule says, until it has no step left.
 */
import type { DestinationRequest } from "@hogsend/core"
import { parseRetryAfter, retryDelay } from "./retryDelay.ts"

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** There was no answer, for this reason. */
export interface NoAnswer {
  readonly error: string
}

export interface Tried {
  readonly answer: Answer | NoAnswer
  readonly isSuccess: DestinationRequest["isSuccess"]
  /** Whether it was sent to the endpoint's own URL, and not to one that its destination made. */
  readonly ownUrl: boolean
  /** From 1, of this round of the schedule. */
  readonly attempt: number
  /** Of the attempt before, which may be one of the round before. */
  readonly lastStatus: number | null
  readonly schedule: ReadonlyArray<number>
  readonly random: number
  readonly now: number
}

export interface Verdict {
  readonly status: "pending" | "delivered" | "dead" | "discarded"
  /** Until it is tried again, in milliseconds. */
  readonly delay: number
  /** For a person; null of a success. */
  readonly error: string | null
  /** What it says of the endpoint: one that refuses a message is there. */
  readonly endpoint: "works" | "refuses" | "fails" | "gone"
}

const refusals = [400, 413, 422]

/** Whether it refuses the message itself. */
export const isRefusal = (answer: Answer | NoAnswer): boolean => "status" in answer && refusals.includes(answer.status)

export const judge = ({ answer, attempt, isSuccess, lastStatus, now, ownUrl, random, schedule }: Tried): Verdict => {
  const later = (endpoint: Verdict["endpoint"], error: string, retryAfter: number | null): Verdict => {
    const delay = retryDelay({ attempt, schedule, retryAfter, random })
    return delay === null
      ? { status: "dead", delay: 0, error, endpoint }
      : { status: "pending", delay, error, endpoint }
  }
  if ("error" in answer) return later("fails", answer.error, null)
  const { body, headers, status } = answer
  // Nothing arrived where the redirect points to, whatever a destination makes of it.
  if (!isRedirect(status) && (isSuccess ?? isOk)({ status, body })) {
    return { status: "delivered", delay: 0, error: null, endpoint: "works" }
  }
  const error = `The receiver answered ${status}.`
  if (status === 410) {
    return ownUrl
      ? { status: "discarded", delay: 0, error, endpoint: "gone" }
      : { status: "dead", delay: 0, error, endpoint: "refuses" }
  }
  const retryAfter = parseRetryAfter(headers["retry-after"], now)
  if (!refusals.includes(status)) return later("fails", error, retryAfter)
  return attempt > 1 && lastStatus !== null && refusals.includes(lastStatus)
    ? { status: "dead", delay: 0, error, endpoint: "refuses" }
    : later("refuses", error, retryAfter)
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400

const isOk = ({ status }: { readonly status: number }): boolean => status >= 200 && status < 300
