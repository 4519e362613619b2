/** Which analytics provider is the active one, and what becomes of the others. */
import { assert, describe, it } from "@effect/vitest"
import {
  AnalyticsProvider,
  type AnalyticsProviderDefinition,
  defineAnalyticsProvider,
  providerLayer
} from "@hogsend/core"
import { recordLogs } from "@hogsend/testing"
import { Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Installation } from "../../src/Installation.ts"
import { AnalyticsProviders, type AnalyticsProvidersOptions } from "../../src/AnalyticsProviders.ts"

const named = (id: string, own: Partial<AnalyticsProviderDefinition> = {}) =>
  defineAnalyticsProvider({
    meta: { id, name: id },
    capabilities: { personReads: true, personWrites: true },
    getPersonProperties: async () => ({ id }),
    setPersonProperties: async () => {},
    capture: () => {},
    ...own
  })

const providersLayer = (options?: AnalyticsProvidersOptions) =>
  AnalyticsProviders.guarded(AnalyticsProviders.layer(options)).pipe(
    Layer.provide(Layer.succeed(Installation, Installation.of({ id: "ours" })))
  )

const active = (options?: AnalyticsProvidersOptions) =>
  Effect.map(Effect.provide(AnalyticsProvider, providersLayer(options)), ({ meta }) => meta.id)

const refused = (options: AnalyticsProvidersOptions) => Effect.flip(active(options))

describe("The active provider", () => {
  it.effect("is the default one, else the single one, else the first of many, else none", () =>
    Effect.gen(function* () {
      const [a, b, c] = [named("a"), named("b"), named("c")]
      assert.strictEqual(yield* active(), "none")
      assert.strictEqual(yield* active({ providers: [] }), "none")
      assert.strictEqual(yield* active({ provider: a }), "a")
      assert.strictEqual(yield* active({ providers: [b, c] }), "b")
      assert.strictEqual(yield* active({ provider: a, providers: [b, c] }), "a")
      assert.strictEqual(yield* active({ provider: a, providers: [b, a] }), "a")
      assert.strictEqual(yield* active({ provider: a, providers: [b, c], defaultProvider: "c" }), "c")
      assert.strictEqual(yield* active({ provider: a, defaultProvider: "a" }), "a")
    })
  )

  it.effect("can be a Layer of the service", () =>
    Effect.gen(function* () {
      const layer = providerLayer(named("a"))
      assert.strictEqual(yield* active({ provider: layer }), "a")
      assert.strictEqual(yield* active({ providers: [named("b"), layer], defaultProvider: "a" }), "a")
    })
  )

  it.effect("that does not exist fails with the ids that there are", () =>
    Effect.gen(function* () {
      const { _tag, error } = yield* refused({ providers: [named("a"), named("b")], defaultProvider: "posthog" })
      assert.strictEqual(_tag, "AnalyticsProvidersInvalid")
      assert.match(error, /"posthog".*a, b/)
      assert.match((yield* refused({ defaultProvider: "posthog" })).error, /"posthog".*None/)
      assert.match((yield* refused({ defaultProvider: "" })).error, /""/)
    })
  )

  it.effect("that cannot be opened fails with its own words", () =>
    Effect.gen(function* () {
      const broken = Layer.effect(AnalyticsProvider, Effect.fail(new Error("The key is another product's.")))
      const { _tag, error } = yield* refused({ provider: named("a"), providers: [broken] })
      assert.deepStrictEqual([_tag, error], ["AnalyticsProvidersInvalid", "The key is another product's."])
    })
  )

  it.effect("has an id of its own, which is not none", () =>
    Effect.gen(function* () {
      assert.match((yield* refused({ providers: [named("a"), named("a")] })).error, /two.*"a"/)
      assert.match((yield* refused({ provider: named("a"), providers: [providerLayer(named("a"))] })).error, /two.*"a"/)
      assert.match((yield* refused({ provider: named("none") })).error, /"none"/)
    })
  )

  it.effect("that is none reads nobody and takes everything", () =>
    Effect.gen(function* () {
      const provider = yield* AnalyticsProvider
      assert.strictEqual((yield* Effect.flip(provider.readPerson("u_1"))).reason, "no-credential")
      yield* provider.capture({ distinctId: "u_1", event: "e" })
      yield* provider.deliver([])
      assert.deepStrictEqual(provider.capabilities, { personReads: false, personWrites: false })
    }).pipe(Effect.provide(providersLayer()))
  )
})

it.effect("What is captured says whose installation it comes from, whatever the caller says", () =>
  Effect.gen(function* () {
    const captured = new Array<unknown>()
    const provider = named("a", { capture: ({ properties }) => void captured.push(properties) })
    yield* Effect.provide(
      Effect.flatMap(AnalyticsProvider, ({ capture }) =>
        Effect.andThen(
          capture({ distinctId: "u_1", event: "e" }),
          capture({ distinctId: "u_1", event: "e", properties: { plan: "pro", hogsend: "somebody" } })
        )
      ),
      providersLayer({ provider })
    )
    assert.deepStrictEqual(captured, [{ hogsend: "ours" }, { plan: "pro", hogsend: "ours" }])
  })
)

it.effect("A start says once that nothing is written, and what to set, of the active provider alone", () =>
  Effect.gen(function* () {
    const capabilities = { personReads: true, personWrites: false }
    const reader = named("reader", { meta: { id: "reader", name: "Reader", writesHint: "Set IT." }, capabilities })
    const lines = Effect.fnUntraced(function* (options: AnalyticsProvidersOptions) {
      const { layer, lines } = recordLogs()
      yield* Effect.provide(active(options), layer)
      return lines
    })
    const said = yield* lines({ provider: reader, providers: [named("a")] })
    assert.lengthOf(said, 1)
    assert.match(said[0] ?? "", /^Warn.*Reader is told nothing: what is captured is dropped.*Set IT\./)
    assert.deepStrictEqual(yield* lines({ provider: named("a"), providers: [reader] }), [])
    assert.deepStrictEqual(yield* lines({}), [])
  })
)

describe("A Layer that does not open in time", () => {
  const hanging = Layer.effect(AnalyticsProvider, Effect.never)
  const stubborn = Layer.effect(AnalyticsProvider, Effect.uninterruptible(Effect.never))

  const startedWith = Effect.fnUntraced(function* (options: AnalyticsProvidersOptions, late: number) {
    const { layer, lines } = recordLogs()
    const starting = yield* Effect.forkChild(Effect.provide(active({ openTimeout: 1000, ...options }), layer))
    yield* TestClock.adjust(late * 1000 - 1)
    assert.isUndefined(starting.pollUnsafe())
    yield* TestClock.adjust(1)
    return { id: yield* Fiber.join(starting), lines }
  })

  it.effect("does not hold up the start, which names it and goes on without it", () =>
    Effect.gen(function* () {
      for (const layer of [hanging, stubborn]) {
        const { id, lines } = yield* startedWith({ provider: layer }, 1)
        assert.strictEqual(id, "none")
        assert.lengthOf(lines, 1)
        assert.match(lines[0] ?? "", /^Warn.*analytics\.provider did not open within 1000 ms.*goes on without it/)
      }
    })
  )

  it.effect("leaves the active one as it is, and its own place to nobody", () =>
    Effect.gen(function* () {
      const [a, b] = [named("a"), named("b")]
      const { id, lines } = yield* startedWith({ provider: a, providers: [b, hanging] }, 1)
      assert.strictEqual(id, "a")
      assert.match(lines.join(), /analytics\.providers\[1\]/)
      assert.strictEqual((yield* startedWith({ provider: hanging, providers: [a] }, 1)).id, "none")
      assert.strictEqual((yield* startedWith({ providers: [hanging, a], defaultProvider: "a" }, 1)).id, "a")
      assert.strictEqual(
        (yield* startedWith({ providers: [hanging, stubborn, a], defaultProvider: "c" }, 2)).id,
        "none"
      )
    })
  )

  it.effect("may take ten seconds", () =>
    Effect.gen(function* () {
      const slow = Layer.effect(
        AnalyticsProvider,
        Effect.delay(Effect.provide(AnalyticsProvider, providerLayer(named("slow"))), 9999)
      )
      const starting = yield* Effect.forkChild(active({ provider: slow }))
      yield* TestClock.adjust(9999)
      assert.strictEqual(yield* Fiber.join(starting), "slow")
    })
  )
})

describe("A shutdown", () => {
  it.effect("is every provider's, at the end and at once; one that hangs gets its time and no more", () =>
    Effect.gen(function* () {
      const calls = new Array<string>()
      const shutdown = (id: string) => () => {
        calls.push(id)
        return new Promise<never>(() => {})
      }
      const providers = ["a", "b", "c"].map((id) => named(id, { shutdown: shutdown(id) }))
      const closed = yield* Effect.forkChild(
        Effect.scoped(
          Effect.andThen(
            Layer.build(providersLayer({ providers, shutdownTimeout: 1000 })),
            Effect.sync(() => assert.deepStrictEqual(calls, []))
          )
        )
      )
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(calls.toSorted(), ["a", "b", "c"])
      assert.isUndefined(closed.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(closed)
    })
  )

  it.effect("is also of those that were opened before a boot that failed", () =>
    Effect.gen(function* () {
      const calls = new Array<string>()
      const provider = named("a", { shutdown: async () => void calls.push("a") })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(active({ provider, defaultProvider: "b" }))))
      assert.deepStrictEqual(calls, ["a"])
    })
  )
})
