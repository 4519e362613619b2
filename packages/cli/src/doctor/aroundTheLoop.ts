/**
 * One event around the loop: the server captures it of a person made up for it, the platform's webhook posts it back, and the
 * person is erased, whatever happened.
 */
import type { ContactUpserted, EventPage } from "@hogsend/client"
import type { LoopTestSent } from "@hogsend/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type { Ask, Refused } from "./ask.ts"
import { fail, type Finding, ok, skipped, warn } from "./Check.ts"
import { refusal } from "./refusal.ts"
import type { Health } from "./serverFindings.ts"

export interface LoopOptions {
  /** A `full-admin` key. */
  readonly key: string
  /** How long to wait for the event, in milliseconds. */
  readonly patience: number
  /** Between two looks, in milliseconds. 500. */
  readonly interval?: number
}

export const aroundTheLoop = (ask: Ask, { interval = 500, key, patience }: LoopOptions): Effect.Effect<Finding> =>
  Effect.gen(function* () {
    const sent = yield* ask<typeof LoopTestSent.Encoded>(
      { method: "POST", path: "/v1/admin/analytics/test-loop", key },
      ["distinctId", "event"]
    )
    const { distinctId, event } = sent.value

    const comesBack = (contactId: string) =>
      ask<EventPage>({ path: `/v1/admin/events?limit=1&name=${event}&contactId=${contactId}`, key }, ["total"]).pipe(
        Effect.repeat({ until: ({ value }) => value.total > 0, schedule: Schedule.spaced(interval) }),
        Effect.map(({ answeredAt }) => answeredAt - sent.askedAt),
        Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed(null) })
      )

    let erased = true
    const waited = yield* Effect.acquireUseRelease(
      // As an anonymous id: nobody could have become a user of that name meanwhile.
      ask<ContactUpserted & { readonly id: string }>(
        { method: "PUT", path: "/v1/contacts", key, body: { anonymousId: distinctId } },
        ["id"]
      ),
      ({ value }) => comesBack(value.id),
      ({ value }) =>
        Effect.map(Effect.exit(ask({ method: "DELETE", path: `/v1/admin/contacts/${value.id}`, key }, [])), (exit) => {
          erased = Exit.isSuccess(exit)
        })
    ).pipe(Effect.result)
    // Before why nothing came: whoever is left behind is to be known of, whatever else failed.
    if (!erased) {
      return warn(
        `The person of the test, ${distinctId}, could not be erased.`,
        `Erase them: hogsend contacts erase ${distinctId}`
      )
    }
    const milliseconds = yield* Effect.fromResult(waited)
    if (milliseconds !== null) return ok(`An event came back after ${(milliseconds / 1000).toFixed(1)} seconds.`)
    const { value } = yield* ask<Health>({ path: "/v1/health" }, ["components"])
    const { lastWriteError } = value.components.analytics
    return fail(
      `An event was sent, and had not come back after ${Math.round(patience / 1000)} seconds${lastWriteError === null ? "" : `; the last write failed: ${lastWriteError.reason}`}.`,
      lastWriteError === null
        ? "Look at the webhook in PostHog: is it there, enabled, and what does its log say? POST /v1/admin/analytics/provision-loop makes or mends it. --loop-timeout waits longer."
        : "See Analytics: writes, and POSTHOG_API_KEY."
    )
  }).pipe(
    Effect.catchTag("Refused", (refused) => Effect.succeed(unready(refused) ?? refusal(refused))),
    Effect.catch((failure) => Effect.succeed(refusal(failure)))
  )

/** The server says itself what is missing. */
const unready = ({ body, error, tag }: Refused): Finding | undefined => {
  if (tag !== "LoopUnready") return undefined
  const remediation = String(body.remediation)
  return body.reason === "analytics-not-configured" ? skipped(error, remediation) : fail(error, remediation)
}
