/** What goes together, in which order, and what becomes of it at the end. */
import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Latch, Scope } from "effect"
import { makeBatches } from "../src/batches.ts"

const settings = { lanes: 1, size: () => 3, closeGrace: 1000, closed: Exit.fail("closed") }

/** Batches that wait for the gate, which is open for the first `free` of them. */
const gated = Effect.gen(function* () {
  const gate = yield* Latch.make()
  const batches: Array<ReadonlyArray<number>> = []
  const run = (items: ReadonlyArray<number>) =>
    Effect.suspend(() => {
      batches.push(items)
      return Effect.as(
        gate.await,
        items.map((item): Exit.Exit<string, string> => (item < 0 ? Exit.fail(`no ${item}`) : Exit.succeed(`${item}`)))
      )
    })
  return { gate, batches, run }
})

const settle = Effect.gen(function* () {
  for (let n = 0; n < 20; n++) yield* Effect.yieldNow
})

describe("What comes in batches", () => {
  it.effect("goes at once when nothing is on its way, then together, in order, and gets an answer of its own", () =>
    Effect.gen(function* () {
      const { batches, gate, run } = yield* gated
      const submit = yield* makeBatches(run, settings)
      const first = yield* Effect.forkChild(submit(1))
      yield* settle
      const others = yield* Effect.forkChild(
        Effect.forEach([2, -3, 4, 5], (n) => Effect.exit(submit(n)), { concurrency: "unbounded" })
      )
      yield* settle
      expect(batches).toEqual([[1]])
      yield* gate.open
      expect(yield* Fiber.join(first)).toBe("1")
      expect(yield* Fiber.join(others)).toEqual([
        Exit.succeed("2"),
        Exit.fail("no -3"),
        Exit.succeed("4"),
        Exit.succeed("5")
      ])
      expect(batches).toEqual([[1], [2, -3, 4], [5]])
    })
  )

  it.effect("does not go when it was interrupted while it waited", () =>
    Effect.gen(function* () {
      const { batches, gate, run } = yield* gated
      const submit = yield* makeBatches(run, settings)
      const fibers = []
      for (const n of [1, 2, 3]) {
        fibers.push(yield* Effect.forkChild(submit(n)))
        yield* settle
      }
      const [first, second, third] = fibers
      if (first === undefined || second === undefined || third === undefined) return
      yield* Fiber.interrupt(first)
      yield* Fiber.interrupt(second)
      yield* gate.open
      expect(yield* Fiber.join(third)).toBe("3")
      expect(batches).toEqual([[1], [3]])
    })
  )

  it.effect("fails with what its batch dies of, and the next batch goes all the same", () =>
    Effect.gen(function* () {
      const submit = yield* makeBatches(
        (items: ReadonlyArray<number>) => (items.includes(1) ? Effect.die("broken") : Effect.succeed([Exit.void])),
        { ...settings, closed: Exit.void }
      )
      const exit = yield* Effect.exit(submit(1))
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe("broken")
      yield* submit(2)
    })
  )

  it.effect("is waited for when the scope closes, and who comes then is told so", () =>
    Effect.gen(function* () {
      const { batches, gate, run } = yield* gated
      const scope = yield* Scope.make()
      const submit = yield* Scope.provide(makeBatches(run, settings), scope)
      const answers = yield* Effect.forkChild(
        Effect.forEach([1, 2, 3, 4], (n) => submit(n), { concurrency: "unbounded" })
      )
      yield* settle
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* settle
      expect(yield* Effect.exit(submit(5))).toEqual(Exit.fail("closed"))
      yield* gate.open
      expect(yield* Fiber.join(answers)).toEqual(["1", "2", "3", "4"])
      yield* Fiber.join(closing)
      expect(batches).toEqual([[1, 2, 3], [4]])
    })
  )
})
