/** The client against a real server. */
import { expect, layer } from "@effect/vitest"
import { Hogsend } from "@hogsend/client"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"

const connected = Effect.gen(function* () {
  const { secret, url } = yield* TestHogsend
  return new Hogsend({ baseUrl: url, apiKey: secret })
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("The client", (it) => {
  it.effect("an event makes a contact, who is found, updated and erased", () =>
    Effect.gen(function* () {
      const hogsend = yield* connected
      yield* Effect.promise(async () => {
        expect(
          await hogsend.events.send({ name: "signed_up", userId: "u_1", contactProperties: { plan: "free" } })
        ).toMatchObject({ stored: true, contactKey: "u_1", contactKeyKind: "external" })
        expect(
          await hogsend.contacts.upsert({ userId: "u_1", email: "ada@example.com", properties: { plan: "pro" } })
        ).toMatchObject({ created: false, linked: true })
        const [found] = await hogsend.contacts.find({ email: "ada@example.com" })
        expect(found).toMatchObject({ externalId: "u_1", properties: { plan: "pro" } })
        expect(await hogsend.contacts.delete({ userId: "u_1" })).toMatchObject({
          deleted: true,
          erasure: { contactId: found?.id, status: "done" }
        })
        expect(await hogsend.contacts.find({ userId: "u_1" })).toEqual([])
      })
    })
  )
})
