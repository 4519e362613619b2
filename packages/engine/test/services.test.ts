import { expect, layer } from "@effect/vitest"
import { Hogsend, Warnings } from "@hogsend/engine"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"

const recorded: Array<string> = []
const services: NonNullable<Parameters<typeof Hogsend.layer>[0]["services"]> = {
  warnings: Layer.succeed(
    Warnings,
    Warnings.of({
      record: (warnings) => Effect.sync(() => recorded.push(...warnings.map(({ code }) => code))),
      list: () => Effect.succeed({ warnings: [], total: 0 })
    })
  )
}

// @ts-expect-error a service's place takes that service only
const misplaced: typeof services = { contacts: services.warnings }

layer(TestHogsend.layer({ services }), { excludeTestServices: true, timeout: "30 seconds" })("A host's Layer", (it) => {
  it.effect("stands in the engine's place, for the services that use it, too", () =>
    Effect.gen(function* () {
      expect(misplaced).toBeDefined()
      const { asServer } = yield* TestHogsend
      const body = { name: "x", userId: "u_1", timestamp: "2001-01-01T00:00:00Z" }
      const answer = yield* asServer("POST", "/v1/events", body)
      expect(answer.body.warnings).toHaveLength(1)
      expect(recorded).toEqual(answer.body.warnings.map(({ code }: { code: string }) => code))
      expect(yield* asServer("GET", "/v1/admin/warnings")).toMatchObject({ status: 200, body: { total: 0 } })
    })
  )
})
