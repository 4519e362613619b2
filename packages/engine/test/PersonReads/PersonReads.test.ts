/** What is known of persons, of a platform that works, fails, hangs and answers rubbish. */
import { assert, describe, it } from "@effect/vitest"
import {
  AnalyticsProvider,
  type AnalyticsProviderDefinition,
  defineAnalyticsProvider,
  PersonReadUnavailable
} from "@hogsend/core"
import { recordLogs } from "@hogsend/testing"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { AnalyticsProviders, type AnalyticsProvidersOptions } from "../../src/AnalyticsProviders.ts"
import { Installation } from "../../src/Installation.ts"
import { PersonReads, type PersonReadsOptions } from "../../src/PersonReads.ts"

const providersLayer = (options?: AnalyticsProvidersOptions) =>
  AnalyticsProviders.guarded(AnalyticsProviders.layer(options)).pipe(
    Layer.provide(Layer.succeed(Installation, Installation.of({ id: "ours" })))
  )

type Answering = (distinctId: string, call: number) => unknown

/** A platform that answers as a test says, and counts. */
const platform = (answer: Answering, own: Partial<AnalyticsProviderDefinition> = {}) => {
  const asked = new Array<string>()
  const provider = defineAnalyticsProvider({
    meta: { id: "warehouse", name: "Our warehouse", readsHint: "Set WAREHOUSE_KEY." },
    capabilities: { personReads: true, personWrites: true },
    getPersonProperties: ((distinctId) => {
      asked.push(distinctId)
      return answer(distinctId, asked.length)
    }) as AnalyticsProviderDefinition["getPersonProperties"],
    setPersonProperties: async () => {},
    capture: () => {},
    ...own
  })
  const { layer: logger, lines } = recordLogs()
  const run = <A, E>(self: Effect.Effect<A, E, PersonReads>, options: PersonReadsOptions = {}) =>
    self.pipe(
      Effect.provide(PersonReads.layer(options).pipe(Layer.provide(providersLayer({ provider })))),
      Effect.provide(logger)
    )
  return { asked, lines, provider, run }
}

const failing = (fields: object) => Object.assign(new Error("of someone@example.com"), fields)
const rejecting = (fields: object) => () => Promise.reject(failing(fields))
const hangs = () => new Promise<never>(() => {})

const read = (distinctId: string) => Effect.flatMap(PersonReads, (reads) => reads.read(distinctId))
const orEmpty = (distinctId: string) => Effect.flatMap(PersonReads, (reads) => reads.propertiesOrEmpty(distinctId))
const forget = (...ids: ReadonlyArray<string>) => Effect.flatMap(PersonReads, (reads) => reads.forget(ids))
const reasonOf = (distinctId: string) => Effect.map(Effect.flip(read(distinctId)), ({ reason }) => reason)
const health = Effect.flatMap(PersonReads, (reads) => reads.health)

describe("Reads of one person", () => {
  it.effect("at the same time are one call", () => {
    let [running, most] = [0, 0]
    const { asked, run } = platform(async () => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
      return { plan: "pro" }
    })
    return Effect.gen(function* () {
      const answers = yield* Effect.all(
        Array.from({ length: 100 }, () => read("u_1")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(asked, ["u_1"])
      assert.strictEqual(most, 1)
      for (const answer of answers) assert.deepStrictEqual(answer, { _tag: "PersonFound", properties: { plan: "pro" } })
    }).pipe(run)
  })

  it.effect("at the same time fail together, and the next one asks again", () => {
    const { asked, run } = platform(rejecting({ status: 500 }))
    return Effect.gen(function* () {
      const exits = yield* Effect.all(
        Array.from({ length: 100 }, () => Effect.exit(read("u_1"))),
        { concurrency: "unbounded" }
      )
      assert.isTrue(exits.every(Exit.isFailure))
      assert.strictEqual(asked.length, 1)
      yield* Effect.exit(read("u_1"))
      assert.strictEqual(asked.length, 2)
    }).pipe(run)
  })

  it.effect("survive the interruption of whoever began", () => {
    const answer = Deferred.makeUnsafe<object>()
    const { asked, run } = platform(() => Effect.runPromise(Deferred.await(answer)))
    return Effect.gen(function* () {
      const first = yield* Effect.forkChild(read("u_1"), { startImmediately: true })
      const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(read("u_1"), { startImmediately: true }))
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(answer, { plan: "pro" })
      for (const other of others) assert.strictEqual((yield* Fiber.join(other))._tag, "PersonFound")
      assert.strictEqual(asked.length, 1)
    }).pipe(run)
  })

  it.effect("are remembered for five minutes, that there is nobody too", () => {
    const { asked, run } = platform((id) => Promise.resolve(id === "nobody" ? null : {}))
    return Effect.gen(function* () {
      for (const minutes of [0, 2, 2.9]) {
        yield* TestClock.adjust(`${minutes} minutes`)
        assert.strictEqual((yield* read("nobody"))._tag, "PersonNotFound")
        assert.strictEqual((yield* read("u_1"))._tag, "PersonFound")
      }
      assert.deepStrictEqual(asked, ["nobody", "u_1"])
      yield* TestClock.adjust("6 seconds")
      yield* read("nobody")
      yield* read("u_1")
      assert.deepStrictEqual(asked, ["nobody", "u_1", "nobody", "u_1"])
    }).pipe(run)
  })

  it.effect("are remembered of so many persons", () => {
    const { asked, run } = platform(() => Promise.resolve({}))
    return Effect.gen(function* () {
      for (const id of ["a", "b", "c", "c", "b", "a"]) yield* read(id)
      assert.deepStrictEqual(asked, ["a", "b", "c", "a"])
    }).pipe((self) => run(self, { rememberPersons: 2 }))
  })

  it.effect("are remembered apart for each project", () => {
    const { asked, provider, run } = platform(() => Promise.resolve({}))
    const project = { id: "one" }
    Object.defineProperty(provider, "project", { get: () => project.id })
    return Effect.gen(function* () {
      yield* read("u_1")
      project.id = "two"
      yield* read("u_1")
      assert.strictEqual(asked.length, 2)
    }).pipe(run)
  })

  it.effect("who was forgotten ask again, and what was being read then is not kept", () => {
    const answers = [1, 2, 3].map(() => Deferred.makeUnsafe<object>())
    const { asked, run } = platform((_, call) => Effect.runPromise(Deferred.await(answers[call - 1]!)))
    return Effect.gen(function* () {
      const before = yield* Effect.forkChild(read("u_1"), { startImmediately: true })
      yield* forget("u_1", "u_2")
      const after = yield* Effect.forkChild(read("u_1"), { startImmediately: true })
      yield* Deferred.succeed(answers[1]!, { plan: "new" })
      yield* Deferred.succeed(answers[0]!, { plan: "old" })
      assert.deepStrictEqual(yield* Fiber.join(before), { _tag: "PersonFound", properties: { plan: "old" } })
      assert.deepStrictEqual(yield* Fiber.join(after), { _tag: "PersonFound", properties: { plan: "new" } })
      assert.deepStrictEqual(yield* read("u_1"), { _tag: "PersonFound", properties: { plan: "new" } })
      assert.strictEqual(asked.length, 2)
      yield* forget("u_1")
      yield* Deferred.succeed(answers[2]!, {})
      yield* read("u_1")
      assert.strictEqual(asked.length, 3)
    }).pipe(run)
  })

  it.effect("under no id find nobody, and ask nobody", () => {
    const { asked, run } = platform(() => Promise.resolve({}))
    return Effect.gen(function* () {
      assert.strictEqual((yield* read(""))._tag, "PersonNotFound")
      assert.deepStrictEqual(asked, [])
    }).pipe(run)
  })
})

describe("A platform that fails", () => {
  it.effect("gives each failure its reason, and empty properties", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [Answering, PersonReadUnavailable["reason"]]> = [
        [rejecting({ status: 401 }), "unauthorized"],
        [rejecting({ status: 429 }), "rate-limited"],
        [rejecting({ status: 502 }), "bad-response"],
        [rejecting({ code: "ECONNREFUSED" }), "unreachable"],
        [
          () => {
            throw new Error("of someone@example.com")
          },
          "unreachable"
        ],
        [() => "rubbish", "bad-response"],
        [async () => ["rubbish"], "bad-response"],
        [async () => undefined, "bad-response"]
      ]
      for (const [answer, reason] of cases) {
        const { lines, run } = platform(answer)
        yield* Effect.gen(function* () {
          assert.strictEqual(yield* reasonOf("someone@example.com"), reason)
          assert.deepStrictEqual(yield* orEmpty("someone@example.com"), {})
          assert.strictEqual((yield* health).lastReadError?.reason, reason)
        }).pipe(run)
        assert.strictEqual(lines.length, 1)
        assert.notInclude(lines.join(), "someone")
      }
    })
  )

  it.effect("by hanging costs ten seconds, or what the host says", () =>
    Effect.gen(function* () {
      for (const [options, limit] of [
        [{}, 10_000],
        [{ timeout: 50 }, 50]
      ] as const) {
        yield* Effect.gen(function* () {
          const reading = yield* Effect.forkChild(orEmpty("u_1"), { startImmediately: true })
          yield* TestClock.adjust(limit - 1)
          assert.isUndefined(reading.pollUnsafe())
          yield* TestClock.adjust(1)
          assert.deepStrictEqual(yield* Fiber.join(reading), {})
          assert.strictEqual((yield* health).lastReadError?.reason, "timeout")
        }).pipe((self) => platform(hangs).run(self, options))
      }
    })
  )

  it.effect("as a service that dies, throws or hangs is no different", () =>
    Effect.gen(function* () {
      const { layer: logger } = recordLogs()
      const broken: ReadonlyArray<readonly [AnalyticsProvider["Service"]["readPerson"], string]> = [
        [() => Effect.die("of someone@example.com"), "bad-response"],
        [
          () => {
            throw new Error("of someone@example.com")
          },
          "bad-response"
        ],
        [() => Effect.never, "timeout"]
      ]
      for (const [readPerson, reason] of broken) {
        const service = AnalyticsProvider.of({
          ...AnalyticsProviders.none,
          meta: { id: "own", name: "own" },
          capabilities: { personReads: true, personWrites: true },
          readPerson
        })
        const layer = PersonReads.layer().pipe(Layer.provide(Layer.succeed(AnalyticsProvider, service)))
        const reading = yield* Effect.forkChild(Effect.provide(reasonOf("u_1"), [layer, logger]), {
          startImmediately: true
        })
        yield* TestClock.adjust(10_000)
        assert.strictEqual(yield* Fiber.join(reading), reason)
      }
    })
  )

  it.effect("is logged once per reason until it works again, and every time is counted", () => {
    const script = [500, 500, 401, 500, 200, 500, 401]
    const { lines, run } = platform((_, call) =>
      script[call - 1] === 200 ? Promise.resolve({}) : Promise.reject(failing({ status: script[call - 1] }))
    )
    return Effect.gen(function* () {
      const logged = new Array<number>()
      for (const [index] of script.entries()) {
        // Past what the refused key of the read before opened.
        yield* TestClock.adjust("30 seconds")
        yield* orEmpty(`someone_${index}@example.com`)
        logged.push(lines.length)
      }
      assert.deepStrictEqual(logged, [1, 1, 2, 2, 2, 3, 4])
      assert.strictEqual((yield* health).softFailures, 6)
      assert.match(lines[0]!, /^Warn.*warehouse.*bad-response/)
      assert.match(lines[1]!, /^Warn.*warehouse.*unauthorized/)
      assert.notInclude(lines.join(), "someone")
    }).pipe(run)
  })

  it.effect("is not logged by whoever takes the failure itself", () => {
    const { lines, run } = platform(rejecting({ status: 500 }))
    return Effect.gen(function* () {
      yield* reasonOf("u_1")
      assert.deepStrictEqual(lines, [])
      assert.strictEqual((yield* health).softFailures, 0)
    }).pipe(run)
  })
})

describe("The breaker", () => {
  /** Reads as many different persons, one after the other. */
  const several = (count: number, reason: string) =>
    Effect.forEach(Array.from({ length: count }), () =>
      Effect.map(reasonOf(crypto.randomUUID()), (found) => assert.strictEqual(found, reason))
    )

  it.effect("opens after five failures in a row; then reads cost nothing", () => {
    const { asked, run } = platform(rejecting({ status: 500 }))
    return Effect.gen(function* () {
      yield* several(5, "bad-response")
      yield* several(200, "bad-response")
      assert.strictEqual(asked.length, 5)
    }).pipe(run)
  })

  it.effect("counts failures in a row only, and answers that there is nobody are none", () => {
    const { asked, run } = platform((_, call) =>
      call % 5 === 0 ? Promise.resolve(null) : rejecting({ status: 500 })()
    )
    return Effect.gen(function* () {
      for (let time = 0; time < 50; time++) yield* Effect.exit(read(`u_${time}`))
      assert.strictEqual(asked.length, 50)
    }).pipe(run)
  })

  it.effect("lets one read through after thirty seconds; the others get the last reason until it is back", () => {
    const probe = Deferred.makeUnsafe<object>()
    const { asked, run } = platform((_, call) => {
      if (call <= 5) return rejecting({ status: 429 })()
      return call === 6 ? Effect.runPromise(Deferred.await(probe)) : Promise.resolve({})
    })
    return Effect.gen(function* () {
      yield* several(5, "rate-limited")
      yield* TestClock.adjust(29_999)
      yield* several(1, "rate-limited")
      assert.strictEqual(asked.length, 5)
      yield* TestClock.adjust(1)
      const probing = yield* Effect.forkChild(read("probe"), { startImmediately: true })
      yield* several(50, "rate-limited")
      assert.strictEqual(asked.length, 6)
      yield* Deferred.succeed(probe, {})
      assert.strictEqual((yield* Fiber.join(probing))._tag, "PersonFound")
      assert.strictEqual((yield* read("u_1"))._tag, "PersonFound")
      assert.strictEqual(asked.length, 7)
    }).pipe(run)
  })

  it.effect("stays open when that read fails, with its reason", () => {
    const { asked, run } = platform((_, call) => rejecting({ status: call <= 5 ? 500 : 429 })())
    return Effect.gen(function* () {
      yield* several(5, "bad-response")
      yield* TestClock.adjust(30_000)
      yield* several(20, "rate-limited")
      assert.strictEqual(asked.length, 6)
      yield* TestClock.adjust(30_000)
      yield* several(20, "rate-limited")
      assert.strictEqual(asked.length, 7)
    }).pipe(run)
  })

  it.effect("lets another one through when that read was interrupted", () => {
    const { asked, run } = platform((_, call) => {
      if (call <= 5) return rejecting({ status: 500 })()
      return call === 6 ? hangs() : Promise.resolve({})
    })
    return Effect.gen(function* () {
      yield* several(5, "bad-response")
      yield* TestClock.adjust(30_000)
      const probing = yield* Effect.forkChild(read("probe"), { startImmediately: true })
      assert.strictEqual(asked.length, 6)
      yield* Fiber.interrupt(probing)
      assert.strictEqual((yield* read("u_1"))._tag, "PersonFound")
    }).pipe(run)
  })

  it.effect("opens at once when the key is refused", () => {
    const { asked, run } = platform(rejecting({ status: 401 }))
    return Effect.gen(function* () {
      yield* several(20, "unauthorized")
      assert.strictEqual(asked.length, 1)
    }).pipe(run)
  })

  it.effect("that a refused key opened stays open when the next read fails in another way", () => {
    const { asked, run } = platform((_, call) => rejecting({ status: call === 1 ? 401 : 500 })())
    return Effect.gen(function* () {
      yield* several(1, "unauthorized")
      yield* TestClock.adjust(30_000)
      yield* several(20, "bad-response")
      assert.strictEqual(asked.length, 2)
    }).pipe(run)
  })

  it.effect("answers of whom it remembers while it is open", () => {
    const { run } = platform((id) => (id === "known" ? Promise.resolve({ plan: "pro" }) : rejecting({ status: 401 })()))
    return Effect.gen(function* () {
      yield* read("known")
      yield* several(2, "unauthorized")
      assert.deepStrictEqual(yield* orEmpty("known"), { plan: "pro" })
    }).pipe(run)
  })

  it.effect("does not reckon with what began before it opened", () => {
    const early = Deferred.makeUnsafe<object>()
    const { asked, run } = platform((id) =>
      id === "early" ? Effect.runPromise(Deferred.await(early)) : rejecting({ status: 401 })()
    )
    return Effect.gen(function* () {
      const reading = yield* Effect.forkChild(read("early"), { startImmediately: true })
      yield* several(1, "unauthorized")
      yield* Deferred.succeed(early, {})
      assert.strictEqual((yield* Fiber.join(reading))._tag, "PersonFound")
      yield* several(3, "unauthorized")
      assert.strictEqual(asked.length, 2)
    }).pipe(run)
  })

  it.effect("has limits of the host's choice", () => {
    const { asked, run } = platform(rejecting({ status: 500 }))
    return Effect.gen(function* () {
      yield* several(10, "bad-response")
      assert.strictEqual(asked.length, 2)
      yield* TestClock.adjust(100)
      yield* several(10, "bad-response")
      assert.strictEqual(asked.length, 3)
    }).pipe((self) => run(self, { breaker: { failures: 2, openFor: 100 } }))
  })
})

describe("Without a credential", () => {
  const credential = (has: boolean) => {
    const state = { has }
    return {
      state,
      capabilities: {
        get personReads() {
          return state.has
        },
        personWrites: true
      }
    }
  }

  it.effect("nobody is asked, no breaker opens, and it is said once, at the start, with what to set", () => {
    const { capabilities, state } = credential(false)
    const { asked, lines, run } = platform(() => Promise.resolve({}), { capabilities })
    return Effect.gen(function* () {
      for (let time = 0; time < 20; time++) {
        assert.strictEqual(yield* reasonOf("u_1"), "no-credential")
        assert.deepStrictEqual(yield* orEmpty("u_1"), {})
      }
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0]!, /^Warn.*Our warehouse.*Set WAREHOUSE_KEY\./)
      assert.deepStrictEqual(yield* health, {
        configured: true,
        provider: "warehouse",
        personReads: false,
        personWrites: true,
        lastReadError: null,
        lastWriteError: null,
        softFailures: 20
      })
      assert.deepStrictEqual(asked, [])
      state.has = true
      assert.strictEqual((yield* read("u_1"))._tag, "PersonFound")
      assert.isTrue((yield* health).personReads)
      state.has = false
      yield* orEmpty("u_1")
      yield* orEmpty("u_1")
      assert.strictEqual(lines.length, 2)
    }).pipe(run)
  })

  it.effect("nothing is said, or counted, where no provider is configured", () => {
    const { layer: logger, lines } = recordLogs()
    return Effect.gen(function* () {
      assert.strictEqual(yield* reasonOf("u_1"), "no-credential")
      assert.deepStrictEqual(yield* orEmpty("u_1"), {})
      assert.deepStrictEqual(yield* health, {
        configured: false,
        provider: null,
        personReads: null,
        personWrites: null,
        lastReadError: null,
        lastWriteError: null,
        softFailures: 0
      })
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide([PersonReads.layer().pipe(Layer.provide(providersLayer())), logger]))
  })
})

describe("The time zone of a contact", () => {
  const contact = { contactKey: "u_1", timezone: "Europe/Rome", properties: { timezone: "Africa/Cairo" } }
  const zoneOf = (...asked: Parameters<PersonReads["Service"]["timezoneOf"]>) =>
    Effect.flatMap(PersonReads, (reads) => reads.timezoneOf(...asked))

  it.effect("asks the platform under the contact key, unless a zone was asked for", () => {
    const { asked, lines, run } = platform(() => Promise.resolve({ $timezone: "Asia/Tokyo" }))
    return Effect.gen(function* () {
      assert.strictEqual(yield* zoneOf(contact, { explicit: "europe/berlin" }), "Europe/Berlin")
      assert.deepStrictEqual(asked, [])
      assert.strictEqual(yield* zoneOf(contact), "Asia/Tokyo")
      assert.deepStrictEqual(asked, ["u_1"])
      assert.deepStrictEqual(lines, [])
    }).pipe(run)
  })

  it.effect("passes over what names no zone, with a warning that names nobody and no value", () => {
    const { lines, run } = platform(() => Promise.resolve({ $timezone: "Mars/Olympus", $geoip_time_zone: 7 }))
    return Effect.gen(function* () {
      const found = yield* zoneOf({ ...contact, timezone: "Venus/Aphrodite" }, { explicit: "+02:00" })
      assert.strictEqual(found, "Africa/Cairo")
      assert.strictEqual(lines.length, 4)
      assert.isTrue(lines.every((line) => line.startsWith("Warn")))
      assert.notMatch(lines.join(), /Mars|Venus|\+02|u_1/)
    }).pipe(run)
  })

  it.effect("is the contact's, the default, or UTC while the platform cannot be read", () => {
    const { run } = platform(rejecting({ status: 500 }))
    const unknown = { contactKey: "u_2", timezone: null, properties: {} }
    return Effect.gen(function* () {
      assert.strictEqual(yield* run(zoneOf(contact)), "Europe/Rome")
      assert.strictEqual(yield* run(zoneOf(unknown), { timezone: "Asia/Dubai" }), "Asia/Dubai")
      assert.strictEqual(yield* run(zoneOf(unknown)), "UTC")
      assert.strictEqual(yield* run(zoneOf(unknown), { timezone: "nowhere" }), "UTC")
    })
  })
})
