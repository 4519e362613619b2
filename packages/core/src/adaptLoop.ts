/** Makes the loop with effects of the one that somebody wrote with promises, as `adaptProvider` does with the rest. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { LoopConnection, LoopNotProvisioned, LoopUnready, LoopWebhook } from "./AnalyticsLoop.ts"
import type { AnalyticsLoopDefinition, AnalyticsProviderLoop } from "./AnalyticsProvider.ts"

export interface AdaptLoopOptions {
  /** In milliseconds. */
  readonly timeout: number
  readonly loopTimeout: number
}

/** `id` is the provider's. */
export const adaptLoop = (
  definition: AnalyticsLoopDefinition,
  id: string,
  { loopTimeout, timeout }: AdaptLoopOptions
): AnalyticsProviderLoop => ({
  sourceId: definition.sourceId,

  connectInfo: Effect.tryPromise(async () => asConnection(await definition.connectInfo())).pipe(
    Effect.timeout(timeout),
    Effect.orElseSucceed(() => null)
  ),

  provision: Effect.fn("AnalyticsProvider.loop.provision")((order) =>
    Effect.tryPromise({
      try: async () => asWebhook(await definition.provision(order)),
      catch: asFailure(id)
    }).pipe(
      Effect.timeoutOrElse({
        duration: loopTimeout,
        orElse: () => Effect.fail(apiError(`${id} did not answer within ${loopTimeout} ms.`))
      })
    )
  )
})

// Where what they throw is a failure of the method, also of a property that throws. What it answers beside is left out.
const asConnection = Schema.decodeUnknownSync(LoopConnection)
const asWebhook = Schema.decodeUnknownSync(LoopWebhook)

/** Texts of whatever else was thrown are not repeated, since they may hold the secret. */
const asFailure =
  (id: string) =>
  (thrown: unknown): LoopUnready | LoopNotProvisioned =>
    thrown instanceof LoopUnready || thrown instanceof LoopNotProvisioned
      ? thrown
      : apiError(`${id} failed in a way that it has no words for.`)

const apiError = (detail: string) =>
  new LoopNotProvisioned({
    reason: "api-error",
    error: "The webhook could not be made in the analytics platform.",
    detail,
    remediation: "Try again, and look at the platform's own status if it goes on."
  })
