import { expect, layer } from "@effect/vitest"
import { type HogsendServices, Warnings } from "@hogsend/engine"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"

const recorded: Array<string> = []

const services: HogsendServices = {
  warnings: Layer.succeed(
    Warnings,
    Warnings.of({
      record: (warnings) => Effect.sync(() => void recorded.push(...warnings.map(({ code }) => code))),
      recordMissing: () => () => Effect.void,
      flush: Effect.void,
      list: () => Effect.succeed({ warnings: [], total: 0 }),
      examples: () => Effect.succeed({ examples: [], total: 0 })
    })
  )
}

// @ts-expect-error a service's place takes that service only
const misplaced: HogsendServices = { contacts: Layer.empty }

layer(TestHogsend.layer({ services }), { excludeTestServices: true, timeout: "30 seconds" })("A host's Layer", (it) => {
  it.effect("stands in the engine's place, for the services that use it, too", () =>
    Effect.gen(function* () {
      expect(misplaced).toBeDefined()
      const { asServer } = yield* TestHogsend
      const body = { name: "x", userId: "u_1", timestamp: "2001-01-01T00:00:00Z" }
      expect(yield* asServer("POST", "/v1/events", body)).toMatchObject({
        status: 202,
        body: { warnings: [{ code: "timestamp_out_of_range" }] }
      })
      expect(recorded).toEqual(["timestamp_out_of_range"])
      expect(yield* asServer("GET", "/v1/admin/warnings")).toMatchObject({ status: 200, body: { total: 0 } })
    })
  )
})
