/** An analytics provider of a host app's own in place of PostHog, with no other change: as a definition, and as a Layer. */
import { expect, layer } from "@effect/vitest"
import { AnalyticsProvider } from "@hogsend/core"
import { defineAnalyticsProvider, getPostHog, Installation, PersonReads, PersonWrites } from "@hogsend/engine"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { until } from "./serverProcess.ts"

const heard = new Array<unknown>()

// As the first page about providers has it, with bodies.
const myProvider = defineAnalyticsProvider({
  meta: { id: "my-analytics", name: "My analytics" },
  capabilities: { personReads: true, personWrites: true },
  async getPersonProperties(distinctId) {
    return { plan: "pro", asked: distinctId }
  },
  async setPersonProperties({ distinctId, set, setOnce, unset }) {
    heard.push({ distinctId, set, setOnce, unset })
  },
  capture({ distinctId, event, properties }) {
    heard.push({ distinctId, event, properties })
  }
})

const AnotherProvider = Layer.succeed(
  AnalyticsProvider,
  AnalyticsProvider.of({
    meta: { id: "my-analytics", name: "My analytics" },
    project: "",
    capabilities: { personReads: true, personWrites: true },
    readPerson: (asked) => Effect.succeed({ _tag: "PersonFound", properties: { plan: "pro", asked } }),
    capture: ({ distinctId, event, properties }) =>
      Effect.sync(() => void heard.push({ distinctId, event, properties })),
    deliver: (messages) =>
      Effect.sync(() => {
        for (const { data } of messages) heard.push(data)
      })
  })
)

for (const [what, provider] of [
  ["A definition", myProvider],
  ["A Layer of the service", AnotherProvider]
] as const) {
  const server = TestHogsend.layer({ analytics: { provider }, destinationQueue: { slots: 8 } })
  layer(server, { excludeTestServices: true, timeout: "30 seconds" })(what, (it) => {
    it.effect("is read, written, captured to and shown as PostHog is", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const [reads, writes] = [yield* PersonReads, yield* PersonWrites]
        const user = { id: "u_1" }
        heard.length = 0

        getPostHog()?.identify(user.id, { plan: "pro" })
        const arrived = (what: object) => until(`${JSON.stringify(what)} arrives`, () => matching(what))
        yield* arrived({ distinctId: "u_1", set: { plan: "pro" } })
        getPostHog()?.captureEvent({ distinctId: "u_1", event: "signed_up", properties: { seats: 2 } })
        const { id: hogsend } = yield* Installation
        yield* arrived({ distinctId: "u_1", event: "signed_up", properties: { seats: 2, hogsend } })
        yield* writes.set({ distinctId: "u_1", setOnce: { first: true }, unset: ["trial"] })
        yield* arrived({ distinctId: "u_1", setOnce: { first: true }, unset: ["trial"] })
        expect(yield* reads.propertiesOf({ contactKey: "u_1" })).toEqual({ plan: "pro", asked: "u_1" })

        const { body } = yield* asServer("GET", "/v1/health")
        expect(body.components.analytics).toMatchObject({ provider: "my-analytics", personReads: true })
        const webhooks = yield* asServer("GET", "/v1/admin/webhooks")
        expect(JSON.stringify(webhooks.body)).toContain("The analytics provider: My analytics.")
      })
    )
  })
}

const matching = (what: object) =>
  heard.find((one) =>
    Object.entries(what).every(([name, value]) => JSON.stringify(Object(one)[name]) === JSON.stringify(value))
  )
