/** A host app's test with two services of the engine swapped: nothing is delivered, and what would have been is looked at. */
import { expect, layer } from "@effect/vitest"
import { Orders } from "@hogsend/example-layers/Orders"
import { HogsendTest, RecordingAnalytics, RecordingDestinationQueue } from "@hogsend/testing"
import { Effect, Layer } from "effect"

// #region swapped
const swapped = HogsendTest.layer({
  services: { analyticsProvider: RecordingAnalytics.layer, destinationQueue: RecordingDestinationQueue.layer }
})

layer(Layer.provideMerge(Orders.layer, swapped))("An order", (it) => {
  it.effect("is told to the CRM and to analytics, once for a customer and for each order", () =>
    Effect.gen(function* () {
      const { receiver } = yield* HogsendTest
      const crm = yield* receiver.subscribe(["contact.created"])
      const orders = yield* Orders

      expect(yield* orders.place({ email: "ada@example.com", total: 10 })).toEqual({ returning: false })
      expect(yield* orders.place({ email: "ada@example.com", total: 20 })).toEqual({ returning: true })

      const { captures } = yield* RecordingAnalytics
      expect(captures.map(({ properties }) => properties)).toEqual([
        { total: 10, returning: false },
        { total: 20, returning: true }
      ])
      const told = yield* RecordingDestinationQueue.deliveries({ endpointId: crm.id, type: "contact.created" })
      expect(told).toMatchObject([{ message: { data: { email: "ada@example.com" } } }])
    })
  )
})
// #endregion
