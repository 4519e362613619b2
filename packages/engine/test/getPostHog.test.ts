/** The older way to the provider: it leads somewhere as long as an engine runs, and never throws. */
import { expect, layer } from "@effect/vitest"
import { TestDatabase, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { getPostHog } from "../src/getPostHog.ts"
import { until } from "./DestinationQueue/queue.ts"
import { type ScriptedProvider, scriptedSource } from "./ScriptedProvider.ts"

const start = Effect.fnUntraced(function* (analytics: object) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const server = TestHogsend.serverLayer({ analytics, destinationQueue: { slots: 8 } })
  const context = yield* Scope.provide(Layer.build(Layer.fresh(server)), scope)
  return { hogsend: Context.get(context, TestHogsend), stop: Scope.close(scope, Exit.void) }
})

/** A capture asks first whose the id is. */
const captured = (scripted: ScriptedProvider["Service"], count: number) =>
  until(
    Effect.sync(() => scripted.captured.length),
    (length) => length === count
  )

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("getPostHog", (it) => {
  it.effect("is undefined without an engine that has a provider, and leads to the one that was started last", () =>
    Effect.gen(function* () {
      expect(getPostHog()).toBe(undefined)
      const { stop: stopNone } = yield* start({})
      expect(getPostHog()).toBe(undefined)
      const [one, two] = [scriptedSource(), scriptedSource()]
      const { stop: stopOne } = yield* start({ provider: one.source })
      const { stop: stopTwo } = yield* start({ provider: two.source })
      getPostHog()?.captureEvent({ distinctId: "u_1", event: "seen", properties: { a: 1 } })
      yield* captured(two.scripted, 1)
      expect(two.scripted.captured).toMatchObject([{ distinctId: "u_1", event: "seen", properties: { a: 1 } }])
      expect(yield* Effect.promise(async () => getPostHog()?.getPersonProperties("u_1"))).toEqual({
        name: "u_1 by name"
      })
      yield* stopTwo
      getPostHog()?.captureEvent({ distinctId: "u_2", event: "seen" })
      yield* captured(one.scripted, 1)
      yield* stopOne
      yield* stopNone
      expect(getPostHog()).toBe(undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("captures without a profile what is captured under a visitor's id, and under nobody else's", () =>
    Effect.gen(function* () {
      const { scripted, source } = scriptedSource()
      const { hogsend } = yield* start({ provider: source })
      const { asServer } = hogsend
      yield* asServer("PUT", "/v1/contacts", { userId: "u_profile", anonymousId: "a_profile" })
      const { body } = yield* asServer("PUT", "/v1/contacts", { email: "profile@example.com" })
      for (const distinctId of ["u_profile", "a_profile", body.id, "nobody_yet"]) {
        getPostHog()?.captureEvent({ distinctId, event: "seen" })
      }
      yield* captured(scripted, 4)
      const byId = new Map(scripted.captured.map(({ distinctId, personless }) => [distinctId, personless === true]))
      expect([...byId].toSorted(([one], [other]) => one.localeCompare(other))).toEqual(
        [
          ["u_profile", false],
          ["a_profile", true],
          [body.id, true],
          ["nobody_yet", false]
        ].toSorted(([one], [other]) => String(one).localeCompare(String(other)))
      )
    }).pipe(Effect.scoped)
  )

  it.effect("writes durably, in the order of the calls, those too that were made just before the end", () =>
    Effect.gen(function* () {
      const { scripted, source } = scriptedSource()
      const { stop } = yield* start({ provider: source })
      const shim = getPostHog()
      for (let n = 0; n < 100; n++) shim?.identify("u_1", { n })
      yield* stop
      yield* start({ provider: source })
      yield* until(
        Effect.sync(() => new Set(scripted.took.map(({ id }) => id)).size),
        (size) => size === 100
      )
      const numbers = scripted.took.flatMap(({ data }) => ("set" in data ? [Number(data.set?.n)] : []))
      expect([...new Set(numbers)]).toEqual(Array.from({ length: 100 }, (_, n) => n))
    }).pipe(Effect.scoped)
  )

  it.effect("throws nothing and rejects nothing, whatever it is given and whenever it is called", () =>
    Effect.gen(function* () {
      const { source } = scriptedSource()
      const { stop } = yield* start({ provider: source })
      const shim = getPostHog()
      const misuse = Effect.promise(async () => {
        shim?.identify("undefined", { a: 1 })
        shim?.identify(undefined as never, null as never)
        shim?.identify("u_1", { a: () => 1 })
        shim?.captureEvent(undefined as never)
        return shim?.getPersonProperties(undefined as never)
      })
      yield* misuse
      yield* stop
      yield* misuse
    }).pipe(Effect.scoped)
  )
})
