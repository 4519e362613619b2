/** How the last write ended, and what the log says of it. */
import { assert, describe, it } from "@effect/vitest"
import { AnalyticsMessagesRefused, AnalyticsProvider, type AnalyticsWriteError } from "@hogsend/core"
import { recordLogs } from "@hogsend/testing"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { watched } from "../../src/AnalyticsProviders/watched.ts"

type Deliver = AnalyticsProvider["Service"]["deliver"]

/** A provider that ends each delivery as the test says, and captures by itself. */
const world = () => {
  const state = { deliver: (() => Effect.void) as Deliver, captured: null as AnalyticsWriteError | null }
  const provider = watched(
    AnalyticsProvider.of({
      meta: { id: "warehouse", name: "Our warehouse", writesHint: "Set WAREHOUSE_KEY." },
      project: "",
      capabilities: { personReads: false, personWrites: true },
      readPerson: () => Effect.succeed({ _tag: "PersonNotFound" }),
      capture: () => Effect.void,
      deliver: (messages) => state.deliver(messages),
      get lastWriteError() {
        return state.captured
      }
    })
  )
  const { layer, lines } = recordLogs()
  const told = (deliver: Deliver, message: Parameters<Deliver>[0][number] = set) => {
    state.deliver = deliver
    return Effect.exit(provider.deliver([message]))
  }
  return {
    lines,
    told,
    reason: () => provider.lastWriteError?.reason ?? null,
    error: () => provider.lastWriteError,
    captures: (captured: AnalyticsWriteError | null) => {
      state.captured = captured
      return provider.capture({ distinctId: "u_1", event: "seen" })
    },
    run: <A, E>(self: Effect.Effect<A, E>) => Effect.provide(self, layer)
  }
}

const timestamp = "2026-11-22T10:00:00.000Z"
const set = { id: "msg_1", timestamp, type: "person.set", data: { distinctId: "u_1", set: { plan: "pro" } } } as const
const deletion = { id: "msg_2", timestamp, type: "person.delete", data: { distinctIds: ["u_1"] } } as const

const refuses =
  (status: number | null, reason?: AnalyticsWriteError["reason"]): Deliver =>
  () =>
    Effect.fail(
      new AnalyticsMessagesRefused({
        error: "No.",
        status,
        retryAfter: null,
        ...(reason === undefined ? {} : { reason })
      })
    )

const takes: Deliver = () => Effect.void

describe("The last write that failed", () => {
  it.effect("is kept with its reason and its time until one is taken", () => {
    const { error, reason, run, told } = world()
    return Effect.gen(function* () {
      assert.isNull(reason())
      for (const [deliver, said] of [
        [refuses(401), "unauthorized"],
        [refuses(403), "unauthorized"],
        [refuses(429), "rate-limited"],
        [refuses(503), "bad-response"],
        [refuses(null), "unreachable"],
        [refuses(null, "timeout"), "timeout"],
        [() => Effect.die("broken"), "bad-response"]
      ] as const) {
        yield* told(deliver)
        assert.strictEqual(reason(), said)
        yield* TestClock.adjust("1 second")
      }
      yield* told(refuses(401))
      assert.deepStrictEqual(error()?.at.getTime(), yield* Clock.currentTimeMillis)
      yield* told(takes)
      assert.isNull(error())
    }).pipe(run)
  })

  it.effect("is a time-out where who handed it in did not wait any longer", () => {
    const { reason, run, told } = world()
    return Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(
        Effect.timeoutOption(
          told(() => Effect.never),
          1000
        )
      )
      yield* TestClock.adjust(1000)
      yield* Fiber.await(waiting)
      assert.strictEqual(reason(), "timeout")
    }).pipe(run)
  })

  it.effect("is none of deletions, which take another right", () => {
    const { lines, reason, run, told } = world()
    return Effect.gen(function* () {
      yield* told(refuses(403), deletion)
      assert.isNull(reason())
      yield* told(refuses(401))
      yield* told(takes, deletion)
      assert.strictEqual(reason(), "unauthorized")
      assert.lengthOf(lines, 1)
    }).pipe(run)
  })

  it.effect("is a capture's, too, and of two the later one", () => {
    const { captures, reason, run, told } = world()
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      yield* told(refuses(401))
      yield* captures({ reason: "timeout", at: new Date(0) })
      assert.strictEqual(reason(), "unauthorized")
      yield* captures({ reason: "timeout", at: new Date(2000) })
      assert.strictEqual(reason(), "timeout")
      yield* told(takes)
      assert.strictEqual(reason(), "timeout")
      yield* captures(null)
      assert.isNull(reason())
    }).pipe(run)
  })

  it.effect("is logged once per reason until one is taken, with what to set", () => {
    const { captures, lines, run, told } = world()
    return Effect.gen(function* () {
      for (const deliver of [refuses(401), refuses(401), refuses(503), refuses(401)]) yield* told(deliver)
      assert.lengthOf(lines, 2)
      assert.match(lines[0] ?? "", /^Warn.*Our warehouse does not take.*Set WAREHOUSE_KEY\..*warehouse.*unauthorized/)
      yield* told(takes)
      yield* told(refuses(401))
      assert.lengthOf(lines, 3)
      yield* told(takes)
      yield* captures({ reason: "unauthorized", at: new Date(0) })
      assert.lengthOf(lines, 4)
      assert.notInclude(lines.join(), "u_1")
    }).pipe(run)
  })
})
