/** What becomes of a platform's methods, however badly they behave. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import type { AnalyticsMessage } from "../src/AnalyticsMessage.ts"
import {
  AnalyticsMessagesRefused,
  AnalyticsProvider,
  type AnalyticsProviderDefinition,
  defineAnalyticsProvider,
  PersonReadUnavailable
} from "../src/AnalyticsProvider.ts"
import { adaptProvider, providerLayer } from "../src/adaptProvider.ts"

const secretive = "someone@example.com"

const definition = (own: Partial<AnalyticsProviderDefinition> = {}): AnalyticsProviderDefinition => ({
  meta: { id: "warehouse", name: "Our warehouse" },
  capabilities: { personReads: true, personWrites: true, identityMerge: true, groups: true },
  getPersonProperties: async () => ({}),
  setPersonProperties: async () => {},
  capture: () => {},
  ...own
})

/** Under a class of error of its own, with fields. */
const failing = (fields: object) => Object.assign(new Error(secretive), fields)
const rejects = (thrown: unknown) => () => Promise.reject(thrown)
const throws = (thrown: unknown) => () => {
  throw thrown
}
const hangs = () => new Promise<never>(() => {})

const readWith = (getPersonProperties: () => unknown) =>
  adaptProvider(
    definition({ getPersonProperties: getPersonProperties as AnalyticsProviderDefinition["getPersonProperties"] })
  ).readPerson(secretive)

const message = <Type extends AnalyticsMessage["type"]>(
  type: Type,
  data: Extract<AnalyticsMessage, { type: Type }>["data"]
) => ({ id: `msg_${crypto.randomUUID()}`, type, timestamp: "2026-11-22T10:00:00.000Z", data }) as AnalyticsMessage

const messages = [
  message("person.set", { distinctId: "u_1", set: { plan: "pro" }, unset: ["trial"] }),
  message("group.set", { groupType: "company", groupKey: "acme", properties: { seats: 3 } }),
  message("person.merge", { distinctId: "u_1", alias: "a_1" }),
  message("person.delete", { distinctIds: ["u_1", "a_1"] })
]

describe("A read", () => {
  it.effect("finds a person, one without properties too, or finds out that there is none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* readWith(async () => ({ plan: "pro" })), {
        _tag: "PersonFound",
        properties: { plan: "pro" }
      })
      assert.deepStrictEqual(yield* readWith(async () => ({})), { _tag: "PersonFound", properties: {} })
      assert.deepStrictEqual(yield* readWith(async () => null), { _tag: "PersonNotFound" })
    })
  )

  it.effect("of rubbish is a bad response", () =>
    Effect.gen(function* () {
      const explosive = {
        get plan() {
          throw new Error(secretive)
        }
      }
      for (const rubbish of [undefined, "{}", 42, true, [], ["a"], new Map(), new Date(0), () => {}, Symbol("s")]) {
        assert.strictEqual((yield* Effect.flip(readWith(async () => rubbish))).reason, "bad-response", String(rubbish))
        assert.strictEqual((yield* Effect.flip(readWith(() => rubbish))).reason, "bad-response", String(rubbish))
      }
      assert.strictEqual((yield* Effect.flip(readWith(async () => explosive)))._tag, "PersonReadUnavailable")
    })
  )

  it.effect("that throws or rejects has the reason of its status, and repeats no text", () =>
    Effect.gen(function* () {
      const own = new PersonReadUnavailable({ reason: "rate-limited", error: "Said so." })
      const explosive = {
        get status() {
          throw new Error(secretive)
        }
      }
      const cases: ReadonlyArray<readonly [unknown, PersonReadUnavailable["reason"]]> = [
        [failing({ status: 401 }), "unauthorized"],
        [failing({ status: 403 }), "unauthorized"],
        [failing({ status: 429 }), "rate-limited"],
        [failing({ status: 504 }), "timeout"],
        [failing({ status: 500 }), "bad-response"],
        [failing({ status: 404 }), "bad-response"],
        [failing({ status: "401" }), "unreachable"],
        [failing({ status: 7 }), "unreachable"],
        [failing({ code: "ECONNREFUSED" }), "unreachable"],
        [failing({ name: secretive, code: secretive }), "unreachable"],
        [new DOMException(secretive, "TimeoutError"), "timeout"],
        [new TypeError("fetch failed"), "unreachable"],
        [undefined, "unreachable"],
        [null, "unreachable"],
        [secretive, "unreachable"],
        [explosive, "unreachable"],
        [own, "rate-limited"]
      ]
      for (const [thrown, reason] of cases) {
        for (const method of [rejects(thrown), throws(thrown)]) {
          const failure = yield* Effect.flip(readWith(method))
          assert.strictEqual(failure.reason, reason)
          assert.notInclude(failure.error, secretive)
        }
      }
      assert.strictEqual(yield* Effect.flip(readWith(rejects(own))), own)
      assert.include((yield* Effect.flip(readWith(rejects(failing({ code: "ECONNREFUSED" }))))).error, "ECONNREFUSED")
      const nested = failing({ cause: { code: "ENOTFOUND" } })
      assert.include((yield* Effect.flip(readWith(rejects(nested)))).error, "ENOTFOUND")
    })
  )

  it.effect("that hangs is a time-out after ten seconds, or what the host says", () =>
    Effect.gen(function* () {
      const hanging = definition({ getPersonProperties: hangs })
      for (const [options, limit] of [
        [undefined, 10_000],
        [{ timeout: 250 }, 250]
      ] as const) {
        const read = yield* Effect.forkChild(Effect.flip(adaptProvider(hanging, options).readPerson("u_1")))
        yield* TestClock.adjust(limit - 1)
        assert.isUndefined(read.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* Fiber.join(read)).reason, "timeout")
      }
    })
  )

  it.effect("without a credential asks nobody, and capabilities stay live", () =>
    Effect.gen(function* () {
      let [can, calls] = [false, 0]
      const provider = adaptProvider(
        definition({
          capabilities: {
            get personReads() {
              return can
            },
            personWrites: true
          },
          getPersonProperties: async () => ({ call: ++calls })
        })
      )
      assert.isFalse(provider.capabilities.personReads)
      assert.strictEqual((yield* Effect.flip(provider.readPerson("u_1"))).reason, "no-credential")
      assert.strictEqual(calls, 0)
      can = true
      assert.isTrue(provider.capabilities.personReads)
      assert.strictEqual((yield* provider.readPerson("u_1"))._tag, "PersonFound")
    })
  )

  it.effect("of a project that throws, or is no text, is one of no project in particular", () =>
    Effect.gen(function* () {
      const throwing = Object.defineProperty(definition(), "project", { get: throws(secretive) })
      for (const one of [throwing, Object.assign(definition(), { project: 7 })]) {
        const provider = adaptProvider(one)
        assert.strictEqual(provider.project, "")
        assert.strictEqual((yield* provider.readPerson("u_1"))._tag, "PersonFound")
      }
    })
  )

  it.effect("through a capability that throws is one without a credential", () =>
    Effect.gen(function* () {
      const capabilities = {
        get personReads(): boolean {
          throw new Error(secretive)
        },
        get personWrites(): boolean {
          throw new Error(secretive)
        }
      }
      const provider = adaptProvider(definition({ capabilities, capture: throws("never called") }))
      assert.strictEqual((yield* Effect.flip(provider.readPerson("u_1"))).reason, "no-credential")
      assert.isFalse(provider.capabilities.personWrites)
      yield* provider.capture({ distinctId: "u_1", event: "e" })
      yield* provider.deliver([messages[0]!])
    })
  )

  it.effect("keeps the definition's own this", () =>
    Effect.gen(function* () {
      class Warehouse implements AnalyticsProviderDefinition {
        readonly meta = { id: "warehouse", name: "Our warehouse" }
        readonly capabilities = { personReads: true, personWrites: true }
        readonly people = { u_1: { plan: "pro" } }
        readonly written = new Array<unknown>()
        async getPersonProperties() {
          return this.people.u_1
        }
        async setPersonProperties(change: unknown) {
          this.written.push(change)
        }
        capture(event: unknown) {
          this.written.push(event)
        }
      }
      const warehouse = new Warehouse()
      const provider = adaptProvider(defineAnalyticsProvider(warehouse))
      assert.deepStrictEqual(yield* provider.readPerson("u_1"), { _tag: "PersonFound", properties: { plan: "pro" } })
      yield* provider.deliver([messages[0]!])
      yield* provider.capture({ distinctId: "u_1", event: "e" })
      assert.strictEqual(warehouse.written.length, 2)
    })
  )
})

describe("A capture", () => {
  it.effect("never fails and waits for nobody, and has called the platform when it returns", () =>
    Effect.gen(function* () {
      const captured = new Array<unknown>()
      for (const capture of [throws(secretive), rejects(secretive), hangs, () => {}]) {
        const provider = adaptProvider(
          definition({
            capture: (event) => {
              captured.push(event)
              return capture()
            }
          })
        )
        yield* provider.capture({ distinctId: "u_1", event: "e", properties: { a: 1 }, groups: { company: "acme" } })
      }
      const told = { distinctId: "u_1", event: "e", properties: { a: 1 }, groups: { company: "acme" } }
      assert.deepStrictEqual(captured, [told, told, told, told])
    })
  )

  it.effect("leaves out groups where they are not understood", () =>
    Effect.gen(function* () {
      const captured = new Array<unknown>()
      const provider = adaptProvider(
        definition({
          capabilities: { personReads: false, personWrites: true },
          capture: (event) => void captured.push(event)
        })
      )
      yield* provider.capture({ distinctId: "u_1", event: "e", groups: { company: "acme" } })
      assert.deepStrictEqual(captured, [{ distinctId: "u_1", event: "e" }])
    })
  )
})

describe("How the last capture failed", () => {
  it.effect("is what its promise rejected with, until one is taken", () =>
    Effect.gen(function* () {
      const promises = [rejects(failing({ status: 401 })), rejects(secretive), throws(secretive), hangs, async () => {}]
      const provider = adaptProvider(definition({ capture: () => promises.shift()?.() }))
      const reason = () => provider.lastWriteError?.reason ?? null
      assert.isNull(reason())
      for (const expected of ["unauthorized", "unreachable", "unreachable", "timeout", null]) {
        yield* provider.capture({ distinctId: "u_1", event: "e" })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(reason(), expected)
      }
    })
  )

  it.effect("is what the definition says of what it sends later, and rubbish says nothing", () =>
    Effect.sync(() => {
      const error = { reason: "rate-limited" as const, at: new Date(0) }
      const state: { lastWriteError: unknown } = { lastWriteError: error }
      const own = Object.defineProperty(definition(), "lastWriteError", { get: () => state.lastWriteError })
      const provider = adaptProvider(own)
      assert.deepStrictEqual(provider.lastWriteError, error)
      for (const rubbish of [null, undefined, "broken", { reason: "a secret", at: new Date(0) }]) {
        state.lastWriteError = rubbish
        assert.isNull(provider.lastWriteError)
      }
    })
  )
})

describe("What is delivered", () => {
  const recording = (capabilities?: AnalyticsProviderDefinition["capabilities"]) => {
    const calls = new Array<readonly [string, unknown]>()
    const record = (name: string) => async (told: unknown) => {
      await Promise.resolve()
      calls.push([name, told])
    }
    return {
      calls,
      own: definition({
        ...(capabilities === undefined ? {} : { capabilities }),
        setPersonProperties: record("setPersonProperties"),
        mergeIdentities: record("mergeIdentities"),
        groupIdentify: record("groupIdentify"),
        deletePerson: record("deletePerson")
      })
    }
  }

  it.effect("is one call for each message, in their order", () =>
    Effect.gen(function* () {
      const { calls, own } = recording()
      yield* adaptProvider(own).deliver(messages)
      assert.deepStrictEqual(calls, [
        ["setPersonProperties", { distinctId: "u_1", set: { plan: "pro" }, unset: ["trial"] }],
        ["groupIdentify", { groupType: "company", groupKey: "acme", properties: { seats: 3 } }],
        ["mergeIdentities", { distinctId: "u_1", alias: "a_1" }],
        ["deletePerson", "u_1"],
        ["deletePerson", "a_1"]
      ])
    })
  )

  it.effect("leaves out what the platform cannot do", () =>
    Effect.gen(function* () {
      const { calls, own } = recording({ personReads: true, personWrites: false })
      yield* adaptProvider(own).deliver(messages)
      assert.deepStrictEqual(
        calls.map(([name]) => name),
        ["deletePerson", "deletePerson"]
      )
      const bare = adaptProvider(definition())
      assert.isFalse(bare.capabilities.deletePerson)
      assert.isTrue(adaptProvider(own).capabilities.deletePerson)
      yield* bare.deliver(messages)
    })
  )

  it.effect("goes as a whole to a platform that takes many", () =>
    Effect.gen(function* () {
      const { calls, own } = recording()
      const batches = new Array<unknown>()
      const provider = adaptProvider({ ...own, deliver: async (batch) => void batches.push(batch) })
      yield* provider.deliver(messages)
      yield* provider.deliver([])
      assert.deepStrictEqual(batches, [messages])
      assert.deepStrictEqual(calls, [])
    })
  )

  it.effect("and refused is told with the status and retry-after of the rejection, and no text of it", () =>
    Effect.gen(function* () {
      const own = new AnalyticsMessagesRefused({ error: "Said so.", status: 503, retryAfter: "9" })
      const cases: ReadonlyArray<readonly [unknown, number | null, string | null]> = [
        [failing({ status: 503, retryAfter: 30 }), 503, "30"],
        [failing({ status: 429, retryAfter: "Sun, 22 Nov 2026 10:00:00 GMT" }), 429, "Sun, 22 Nov 2026 10:00:00 GMT"],
        [failing({ status: 400 }), 400, null],
        [failing({ status: 200.5, retryAfter: Number.NaN }), null, null],
        [failing({ retryAfter: "x".repeat(1000) }), null, null],
        [undefined, null, null],
        [secretive, null, null],
        [own, 503, "9"]
      ]
      for (const [thrown, status, retryAfter] of cases) {
        for (const method of [rejects(thrown), throws(thrown)]) {
          for (const bad of [{ deliver: method }, { setPersonProperties: method }]) {
            const refused = yield* Effect.flip(adaptProvider(definition(bad)).deliver(messages))
            assert.deepStrictEqual([refused.status, refused.retryAfter], [status, retryAfter])
            assert.notInclude(refused.error, secretive)
          }
        }
      }
    })
  )

  it.effect("and refused in the middle is refused; what comes after it is not sent", () =>
    Effect.gen(function* () {
      const { calls, own } = recording()
      const provider = adaptProvider({ ...own, mergeIdentities: rejects(failing({ status: 500 })) })
      assert.strictEqual((yield* Effect.flip(provider.deliver(messages))).status, 500)
      assert.strictEqual(calls.length, 2)
    })
  )

  it.effect("and not answered is refused after ten seconds", () =>
    Effect.gen(function* () {
      for (const bad of [{ deliver: hangs }, { setPersonProperties: hangs }]) {
        const sent = yield* Effect.forkChild(Effect.flip(adaptProvider(definition(bad)).deliver(messages)))
        yield* TestClock.adjust(9_999)
        assert.isUndefined(sent.pollUnsafe())
        yield* TestClock.adjust(1)
        const { retryAfter, status } = yield* Fiber.join(sent)
        assert.deepStrictEqual([status, retryAfter], [null, null])
      }
    })
  )
})

describe("The layer", () => {
  const quietly = Effect.provide(Logger.layer([]))

  it.effect("shuts the platform down when its scope closes, and not before", () =>
    Effect.gen(function* () {
      const calls = new Array<string>()
      const layer = providerLayer(definition({ shutdown: async () => void calls.push("shutdown") }))
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* AnalyticsProvider).meta.id, "warehouse")
        assert.deepStrictEqual(calls, [])
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(calls, ["shutdown"])
    })
  )

  it.effect("closes though the shutdown throws or rejects", () =>
    Effect.forEach([throws(secretive), rejects(secretive)], (shutdown) =>
      Effect.provide(AnalyticsProvider, providerLayer(definition({ shutdown })))
    ).pipe(quietly)
  )

  it.effect("waits four seconds for a shutdown that hangs, when it was interrupted too", () =>
    Effect.gen(function* () {
      for (const closesWhen of [Effect.void, Effect.never]) {
        const begun = yield* Deferred.make<void>()
        const shutdown = () => {
          Deferred.doneUnsafe(begun, Exit.void)
          return hangs()
        }
        const used = yield* Effect.forkChild(
          Effect.scoped(Effect.andThen(Layer.build(providerLayer(definition({ shutdown }))), closesWhen)).pipe(quietly),
          { startImmediately: true }
        )
        used.interruptUnsafe()
        yield* Deferred.await(begun)
        yield* TestClock.adjust(3_999)
        assert.isUndefined(used.pollUnsafe())
        yield* TestClock.adjust(1)
        yield* Fiber.await(used)
      }
    })
  )
})
