/** How long somebody waits for the database, by a clock that the test turns. */
import { describe, expect, it } from "@effect/vitest"
import { DatabaseUnavailable } from "@hogsend/core"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { asTask, Database, orUnavailable, withoutTimeout, withTimeout } from "../../src/Database.ts"

const timeouts = Database.timeouts({ timeout: 100, taskTimeout: 5000 })

const fork = <A, E>(self: Effect.Effect<A, E>) => Effect.forkChild(self, { startImmediately: true })

/** Still running after `before`, and done after one millisecond more. */
const expectDoneAfter = Effect.fnUntraced(function* (fiber: Fiber.Fiber<unknown, unknown>, before: number) {
  yield* TestClock.adjust(before)
  expect(fiber.pollUnsafe()).toBeUndefined()
  yield* TestClock.adjust(1)
  return yield* Fiber.await(fiber)
})

describe("Who waits for the database", () => {
  it.effect("is told that it cannot be reached when it does not answer in time", () =>
    Effect.gen(function* () {
      const exit = yield* expectDoneAfter(yield* fork(orUnavailable(Effect.never)), 99)
      expect(exit).toEqual(Exit.fail(DatabaseUnavailable.default))
    }).pipe(Effect.provide(timeouts))
  )

  it.effect("has ten seconds when nothing else is said", () =>
    Effect.gen(function* () {
      expect(Exit.isFailure(yield* expectDoneAfter(yield* fork(withTimeout(Effect.never)), 9999))).toBe(true)
    })
  )

  it.effect("does not wait for what it gave up to be undone, and has it undone", () =>
    Effect.gen(function* () {
      const state = { undone: false }
      const undo = Effect.andThen(
        Effect.sleep(1000),
        Effect.sync(() => (state.undone = true))
      )
      yield* expectDoneAfter(yield* fork(withTimeout(Effect.onInterrupt(Effect.never, () => undo))), 99)
      expect(state.undone).toBe(false)
      yield* TestClock.adjust(1000)
      expect(state.undone).toBe(true)
    }).pipe(Effect.provide(timeouts))
  )

  it.effect("waits once for all that is in it, however much has a timeout of its own", () =>
    Effect.gen(function* () {
      const part = orUnavailable(Effect.sleep(60))
      const exit = yield* expectDoneAfter(yield* fork(orUnavailable(Effect.all([part, part, part]))), 99)
      expect(Exit.isFailure(exit)).toBe(true)
    }).pipe(Effect.provide(timeouts))
  )

  it.effect("waits longer for a task, and for ever without a timeout", () =>
    Effect.gen(function* () {
      const task = yield* fork(asTask(withTimeout(Effect.never)))
      const migration = yield* fork(withoutTimeout(withTimeout(Effect.never)))
      expect(Exit.isFailure(yield* expectDoneAfter(task, 4999))).toBe(true)
      yield* TestClock.adjust("1 hour")
      expect(migration.pollUnsafe()).toBeUndefined()
      yield* Fiber.interrupt(migration)
    }).pipe(Effect.provide(timeouts))
  )

  it.effect("gets what comes in time as it is: values, failures and defects", () =>
    Effect.gen(function* () {
      const soon = Effect.sleep(50)
      for (const expected of [Exit.succeed("a row"), Exit.fail("Moved" as const), Exit.die("a defect")]) {
        expect(yield* Effect.exit(withTimeout(expected))).toEqual(expected)
        const fiber = yield* fork(withTimeout(Effect.andThen(soon, expected)))
        yield* TestClock.adjust(50)
        expect(yield* Fiber.await(fiber)).toEqual(expected)
      }
    }).pipe(Effect.provide(timeouts))
  )

  it.effect("takes what it waits for along when it is interrupted", () =>
    Effect.gen(function* () {
      const state = { undone: false }
      const undo = Effect.sync(() => (state.undone = true))
      yield* Fiber.interrupt(yield* fork(withTimeout(Effect.onInterrupt(Effect.never, () => undo))))
      expect(state.undone).toBe(true)
    }).pipe(Effect.provide(timeouts))
  )
})
