/**
 * A line of the log about an endpoint that has trouble: its kind, whom it stands for, and what to check, in the words of who
 * knows (the destination, the analytics provider). Never a URL, a config or what was sent or answered.
 */
import type { AnalyticsProvider } from "@hogsend/core"
import { Effect } from "effect"
import { analyticsKind, type Destinations } from "../Destinations.ts"
import type { Endpoints } from "../Endpoints.ts"

export type WarnOfEndpoint = (
  message: string,
  endpointId: string,
  more: Readonly<Record<string, string | number | null>>
) => Effect.Effect<void>

export const makeWarnOfEndpoint = (
  endpoints: Endpoints["Service"],
  destinations: Destinations["Service"],
  { meta }: AnalyticsProvider["Service"]
): WarnOfEndpoint => {
  const about = (kind: string) =>
    kind === analyticsKind
      ? { kind, provider: meta.id, ...hinted(meta.writesHint) }
      : { kind, ...hinted(destinations.find(kind)?.meta.failureHint) }

  return Effect.fnUntraced(function* (message, endpointId, more) {
    // Without it the line says less, and is said all the same.
    const endpoint = yield* Effect.orElseSucceed(endpoints.find(endpointId), () => null)
    yield* Effect.logWarning(message, { endpointId, ...(endpoint === null ? {} : about(endpoint.kind)), ...more })
  })
}

const hinted = (hint: string | undefined) => (hint === undefined ? {} : { hint })
