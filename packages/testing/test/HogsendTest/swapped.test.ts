/** Services of a host in the place of the engine's, as a test of a host app swaps them. */
import { expect, layer } from "@effect/vitest"
import type { HogsendServices } from "@hogsend/engine"
import { HogsendTest, RecordingAnalytics, RecordingDestinationQueue, type RecordedDelivery } from "@hogsend/testing"
import { Context, Effect, Layer } from "effect"
import { AnalyticsProvider } from "@hogsend/core"
import { DestinationQueue, PersonReads } from "@hogsend/engine"

class HostService extends Context.Service<HostService, { readonly answer: number }>()("test/HostService") {}

const swapped = {
  analyticsProvider: RecordingAnalytics.layer,
  destinationQueue: RecordingDestinationQueue.layer
}

const misplaced: HogsendServices = {
  // @ts-expect-error a service's place takes that service only
  analyticsProvider: RecordingDestinationQueue.layer,
  // @ts-expect-error and none that needs what the engine does not have
  destinationQueue: Layer.effect(
    DestinationQueue,
    Effect.flatMap(HostService, () => DestinationQueue)
  )
}

const own = AnalyticsProvider.of({
  meta: { id: "own", name: "The host's own" },
  project: "",
  capabilities: { personReads: false, personWrites: false },
  readPerson: () => Effect.succeed({ _tag: "PersonNotFound" }),
  capture: () => Effect.void,
  deliver: () => Effect.void
})

const messagesOf = (deliveries: ReadonlyArray<RecordedDelivery>) =>
  deliveries.map(({ message: { data, type } }) => ({ type, userId: "userId" in data ? data.userId : undefined }))

layer(HogsendTest.layer({ services: swapped }), { timeout: "30 seconds" })("Swapped services", (it) => {
  it.effect("say what would have been delivered, by endpoint and type", () =>
    Effect.gen(function* () {
      expect(misplaced).toBeDefined()
      const { asServer, receiver, settled } = yield* HogsendTest
      const crm = yield* receiver.subscribe(["contact.created", "contact.updated"])
      const mail = yield* receiver.subscribe(["contact.created"])
      yield* asServer("PUT", "/v1/contacts", { userId: "u_1", properties: { plan: "free" } })
      yield* asServer("PUT", "/v1/contacts", { userId: "u_1", properties: { plan: "pro" } })
      yield* settled
      expect(receiver.requests).toEqual([])
      const created = { type: "contact.created", userId: "u_1" }
      const updated = { type: "contact.updated", userId: "u_1" }
      const { deliveries } = RecordingDestinationQueue
      expect(messagesOf(yield* deliveries({ endpointId: crm.id }))).toEqual([created, updated])
      expect(messagesOf(yield* deliveries({ endpointId: mail.id }))).toEqual([created])
      expect(messagesOf(yield* deliveries({ type: "contact.created" }))).toEqual([created, created])
      expect((yield* deliveries()).filter(({ kind }) => kind === "webhook")).toHaveLength(3)
    })
  )

  it.effect("are those that a test looks at", () =>
    Effect.gen(function* () {
      const analytics = yield* RecordingAnalytics
      expect((yield* HogsendTest).analytics).toBe(analytics)
      expect((yield* AnalyticsProvider).meta.id).toBe("recording")
      yield* (yield* AnalyticsProvider).capture({ distinctId: "u_1", event: "signed_up" })
      expect(analytics.captures).toEqual([{ distinctId: "u_1", event: "signed_up" }])
    })
  )

  it.effect("answer reads with the test's persons, and fail as often as ordered", () =>
    Effect.gen(function* () {
      const [analytics, reads] = [yield* RecordingAnalytics, yield* PersonReads]
      analytics.persons.set("u_known", { plan: "pro" })
      analytics.failReads("rate-limited")
      expect(yield* Effect.flip(reads.read("u_known"))).toMatchObject({ reason: "rate-limited" })
      expect(yield* reads.read("u_known")).toEqual({ _tag: "PersonFound", properties: { plan: "pro" } })
      expect(yield* reads.read("u_unknown")).toEqual({ _tag: "PersonNotFound" })
    })
  )
})

layer(HogsendTest.layer({ analytics: { provider: Layer.succeed(AnalyticsProvider, own) } }), { timeout: "30 seconds" })(
  "The host's own analytics provider",
  (it) => {
    it.effect("is the one that the engine has", () =>
      Effect.gen(function* () {
        expect((yield* AnalyticsProvider).meta.id).toBe("own")
        expect((yield* HogsendTest).analytics.captures).toEqual([])
      })
    )
  }
)
