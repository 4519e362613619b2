/** What is told is written, and wakes nobody: no worker runs beside the test, and no connection listens. */
import { Effect, Layer } from "effect"
import { DeliverySignal } from "../../src/DeliverySignal.ts"
import { OutboundMessages } from "../../src/OutboundMessages.ts"

export const unheard = Layer.provide(
  OutboundMessages.layer,
  Layer.succeed(DeliverySignal, DeliverySignal.of({ send: Effect.void, onSignal: () => Effect.void }))
)
