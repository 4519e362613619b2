/** The test of a host app that is written with promises, without Effect. */
// #region promises
import { createTestClient } from "@hogsend/testing"
import { expect, it } from "vitest"

it("A customer is told to the CRM, and again when it was down", async () => {
  await using hogsend = await createTestClient()
  await hogsend.receiver.subscribe(["contact.created"])
  hogsend.receiver.answer(503)

  await hogsend.events.send({ name: "order.placed", email: "ada@example.com", value: 10, currency: "EUR" })
  await hogsend.settled()
  await hogsend.clock.adjust("1 minute")

  expect(hogsend.receiver.requests.map(({ message }) => message?.type)).toEqual(["contact.created", "contact.created"])
})
// #endregion
