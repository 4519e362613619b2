/** The main job through real HTTP: events in, one contact out. */
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("The main job", (it) => {
  it.effect("an event under a secret key makes a contact, and is listed with it", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const stored = yield* asServer("POST", "/v1/events", { name: "signed_up", userId: "u_1" })
      expect(stored).toMatchObject({ status: 202, body: { stored: true, contactKey: "u_1", safeToIdentify: true } })
      const { body } = yield* asServer("GET", "/v1/admin/events")
      expect(body.events).toMatchObject([{ name: "signed_up", contactKey: "u_1", vouchedBy: "server", source: "api" }])
    })
  )
})
