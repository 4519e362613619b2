/** How messages of many attempts reach the analytics provider. By the test's clock. */
import { describe, expect, it } from "@effect/vitest"
import { type AnalyticsMessage, AnalyticsProvider } from "@hogsend/core"
import { Context, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeDeliverTogether } from "../../src/DestinationQueue/deliverTogether.ts"
import { refuses, ScriptedProvider } from "../ScriptedProvider.ts"
import { times } from "./queue.ts"

const message = (n: number): AnalyticsMessage => ({
  id: `msg_00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
  type: "person.set",
  timestamp: "2026-11-22T10:00:00.000Z",
  data: { distinctId: `u_${n}`, set: { n } }
})

const settle = Effect.gen(function* () {
  for (let n = 0; n < 50; n++) yield* Effect.yieldNow
})

const provided = Effect.gen(function* () {
  const context = yield* ScriptedProvider.make
  const scripted = Context.get(context, ScriptedProvider)
  const deliver = yield* makeDeliverTogether(Context.get(context, AnalyticsProvider), { timeout: 15_000 })
  const deliverAll = (count: number) => Effect.forEach(times(count, message), deliver, { concurrency: "unbounded" })
  const sizes = () => scripted.calls.map(({ length }) => length)
  return { ...scripted, deliver, deliverAll, sizes }
})

const delivered = { answer: { status: 200 } }

describe("Messages for the analytics provider", () => {
  it.effect("go together, a hundred at the most, in order", () =>
    Effect.gen(function* () {
      const { calls, deliverAll, sizes, took } = yield* provided
      expect(yield* deliverAll(250)).toMatchObject(times(250, () => delivered))
      expect(sizes()).toEqual([100, 100, 50])
      expect(took).toEqual(times(250, message))
      expect(calls.flat()).toEqual(took)
    })
  )

  it.effect("are tried one by one when a call with several of them is refused, so that a bad one fails alone", () =>
    Effect.gen(function* () {
      for (const status of [400, 413, 422]) {
        const { deliverAll, does, sizes } = yield* provided
        does((messages) =>
          messages.some(({ data }) => "set" in data && data.set?.n === 3) ? Effect.fail(refuses(status)) : Effect.void
        )
        const told = yield* deliverAll(9)
        expect(told).toMatchObject(times(9, (n) => (n === 3 ? { answer: { status } } : delivered)))
        expect(sizes()).toEqual([9, 1, 1, 1, 1, 1, 1, 1, 1, 1])
      }
    })
  )

  it.effect("that delete somebody go by themselves, since that may be refused to who may write", () =>
    Effect.gen(function* () {
      const { calls, deliver, does } = yield* provided
      does((messages) =>
        messages.some(({ type }) => type === "person.delete") ? Effect.fail(refuses(403)) : Effect.void
      )
      const farewell: AnalyticsMessage = { ...message(1), type: "person.delete", data: { distinctIds: ["u_1"] } }
      const told = yield* Effect.forEach([message(0), farewell, message(2)], deliver, { concurrency: "unbounded" })
      expect(told).toMatchObject([delivered, { answer: { status: 403 } }, delivered])
      expect(calls.map((call) => call.map(({ type }) => type))).toEqual([
        ["person.set", "person.set"],
        ["person.delete"]
      ])
    })
  )

  it.effect("that were taken are said to be, and no others", () =>
    Effect.gen(function* () {
      const context = yield* ScriptedProvider.make
      const taken = new Array<ReadonlyArray<AnalyticsMessage>>()
      const deliver = yield* makeDeliverTogether(Context.get(context, AnalyticsProvider), {
        timeout: 15_000,
        onTaken: (messages) => Effect.sync(() => void taken.push(messages))
      })
      yield* deliver(message(1))
      Context.get(context, ScriptedProvider).does(() => Effect.fail(refuses(503)))
      yield* deliver(message(2))
      expect(taken).toEqual([[message(1)]])
    })
  )

  it.effect("share what becomes of their call when that fails for another reason, with when to come again", () =>
    Effect.gen(function* () {
      const { deliverAll, does, sizes } = yield* provided
      does(() => Effect.fail(refuses(429, "120")))
      const told = yield* deliverAll(5)
      expect(told).toMatchObject(times(5, () => ({ answer: { status: 429, headers: { "retry-after": "120" } } })))
      expect(sizes()).toEqual([5])
    })
  )

  it.effect("have no answer when it is none, says that all is well, that the provider is gone, or is a defect", () =>
    Effect.gen(function* () {
      for (const failure of [
        Effect.fail(refuses(null)),
        Effect.fail(refuses(204)),
        Effect.fail(refuses(410)),
        Effect.die("broken")
      ]) {
        const { deliverAll, does } = yield* provided
        does(() => failure)
        for (const told of yield* deliverAll(2)) expect(told?.answer).toEqual({ error: expect.any(String) })
      }
    })
  )

  it.effect("that a provider is slow at go fewer at a time, until it can do it in time", () =>
    Effect.gen(function* () {
      const { deliverAll, does, sizes } = yield* provided
      // A second for each.
      does((messages) => Effect.sleep(messages.length * 1000))
      const told = yield* Effect.forkChild(deliverAll(40))
      for (let n = 0; n < 60; n++) yield* TestClock.adjust("1 second")
      const late = (yield* Fiber.join(told)).map((one) => (one === null ? null : "error" in one.answer))
      expect(late.filter((is) => is === true)).toHaveLength(40)
      const again = yield* Effect.forkChild(deliverAll(20))
      for (let n = 0; n < 60; n++) yield* TestClock.adjust("1 second")
      yield* Fiber.join(again)
      expect(sizes()[0]).toBe(40)
      expect(sizes()[1]).toBe(20)
      const last = yield* Effect.forkChild(deliverAll(10))
      for (let n = 0; n < 60; n++) yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(last)).toMatchObject(times(10, () => delivered))
    })
  )

  it.effect("that have waited for too long are given back without a call", () =>
    Effect.gen(function* () {
      const { calls, deliver, does } = yield* provided
      does(() => Effect.never)
      const hanging = []
      for (const n of [0, 1]) {
        hanging.push(yield* Effect.forkChild(deliver(message(n))))
        yield* settle
      }
      const waiting = yield* Effect.forkChild(deliver(message(2)))
      yield* settle
      expect(calls).toHaveLength(2)
      yield* TestClock.adjust("15 seconds")
      expect(yield* Fiber.join(waiting)).toBe(null)
      expect(calls).toHaveLength(2)
      for (const fiber of hanging) {
        expect(yield* Fiber.join(fiber)).toMatchObject({ answer: { error: expect.stringContaining("15000") } })
      }
    })
  )

  it.effect("that hang when they are tried alone are late, and those that were not begun by then are given back", () =>
    Effect.gen(function* () {
      const { deliverAll, does } = yield* provided
      does((messages) => (messages.length > 1 ? Effect.fail(refuses(400)) : Effect.never))
      const fiber = yield* Effect.forkChild(deliverAll(12))
      yield* settle
      yield* TestClock.adjust("15 seconds")
      const told = yield* Fiber.join(fiber)
      expect(told.map((one) => (one === null ? null : "error" in one.answer))).toEqual(
        times(12, (n) => (n < 8 ? true : null))
      )
    })
  )
})
