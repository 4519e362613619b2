/** A host app's test with nothing swapped but what leaves the process: a receiver that fails, and time that passes. */
import { expect, layer } from "@effect/vitest"
import { Orders } from "@hogsend/example-layers/Orders"
import { HogsendTest } from "@hogsend/testing"
import { Effect, Layer } from "effect"

// #region retries
layer(Layer.provideMerge(Orders.layer, HogsendTest.layer()))("A CRM that is down", (it) => {
  it.effect("hears of the customer when it is up again, in the same webhook", () =>
    Effect.gen(function* () {
      const { clock, receiver, settled } = yield* HogsendTest
      yield* receiver.subscribe(["contact.created"])
      receiver.answer(503, 2)

      yield* (yield* Orders).place({ email: "ada@example.com", total: 10 })
      yield* settled
      expect(receiver.requests).toHaveLength(1)

      // After five seconds, and after five minutes more.
      yield* clock.adjust("10 minutes")
      expect(receiver.requests).toHaveLength(3)
      const [first, , third] = receiver.requests
      expect(third).toMatchObject({ verified: true, message: { id: first?.message?.id, type: "contact.created" } })

      yield* clock.adjust("7 days")
      expect(receiver.requests).toHaveLength(3)
    })
  )
})
// #endregion
