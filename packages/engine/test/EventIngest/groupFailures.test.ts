/** Group commit: whatever becomes of the storage or of a caller, everybody else is answered and no slot stays taken. */
import { assert, describe, it } from "@effect/vitest"
import { DatabaseUnavailable, Overloaded } from "@hogsend/core"
import { Effect, Exit, Fiber, Scope } from "effect"
import { makeGroupCommit } from "../../src/EventIngest/GroupCommit.ts"
import { scriptedStorage, task } from "./scriptedStorage.ts"

const broken = new Error("The storage broke")

describe("Group commit", () => {
  it.effect.each([
    ["dies", Effect.die(broken)],
    ["is interrupted", Effect.interrupt]
  ] as const)("a storage that %s fails its group, and the next is stored", ([, how]) =>
    Effect.gen(function* () {
      const { begun, end, endWith, storage } = scriptedStorage()
      const submit = yield* makeGroupCommit(storage, { groups: 1, maxItems: 2 })
      for (const round of ["first", "second", "third"]) {
        const two = yield* Effect.forkChild(submit([task("a", "s"), task("b", "t")]))
        assert.deepStrictEqual(yield* begun, ["a b"], round)
        yield* endWith("a", () => how)
        const exits = yield* Fiber.join(two)
        assert.deepStrictEqual(
          exits.map((exit) => Exit.isFailure(exit)),
          [true, true],
          round
        )
      }
      const after = yield* Effect.forkChild(submit([task("c", "s", "t")]))
      assert.deepStrictEqual(yield* begun, ["c"])
      yield* end("c")
      assert.deepStrictEqual(yield* Fiber.join(after), [Exit.succeed("c")])
    })
  )

  it.effect.each([
    ["dies", Effect.die(broken)],
    ["is interrupted", Effect.interrupt],
    ["fails", Effect.fail("no")]
  ] as const)("who %s alone is answered so, and frees its slots", ([, how]) =>
    Effect.gen(function* () {
      const { begun, end, endAlone, storage } = scriptedStorage()
      const submit = yield* makeGroupCommit(storage, { groups: 1, alone: 1, maxItems: 1 })
      const one = yield* Effect.forkChild(submit([task("a", "s")]))
      yield* begun
      yield* end("a", { alone: "a" })
      yield* begun
      yield* endAlone("a", how)
      const [exit] = yield* Fiber.join(one)
      assert.isTrue(exit !== undefined && Exit.isFailure(exit))
      const next = yield* Effect.forkChild(submit([task("b", "s")]))
      assert.deepStrictEqual(yield* begun, ["b"])
      yield* end("b")
      assert.deepStrictEqual(yield* Fiber.join(next), [Exit.succeed("b")])
    })
  )

  it.effect("a caller who leaves takes nothing along: what they handed in is stored, and its room is free again", () =>
    Effect.gen(function* () {
      const { begun, end, storage } = scriptedStorage()
      const submit = yield* makeGroupCommit(storage, { groups: 1, maxItems: 3 })
      const leaving = [yield* Effect.forkChild(submit([task("a", "s")]))]
      yield* begun
      leaving.push(yield* Effect.forkChild(submit([task("b", "s")])))
      const staying = yield* Effect.forkChild(submit([task("c", "s")]))
      yield* begun
      yield* Fiber.interruptAll(leaving)
      yield* end("a")
      assert.deepStrictEqual(yield* begun, ["b c"])
      yield* end("b")
      assert.deepStrictEqual(yield* Fiber.join(staying), [Exit.succeed("c")])
      yield* Effect.forkChild(submit([task("d", "s"), task("e", "s"), task("f", "s")]))
      assert.deepStrictEqual(yield* begun, ["d e f"])
    })
  )

  it.effect("when it is closed, whoever is on their way is answered, and nobody comes in", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { begun, storage } = scriptedStorage()
      const submit = yield* Scope.provide(makeGroupCommit(storage, { groups: 1 }), scope)
      const storing = yield* Effect.forkChild(submit([task("a", "s")]))
      yield* begun
      const waiting = yield* Effect.forkChild(submit([task("b", "s"), task("c")]))
      yield* begun
      yield* Scope.close(scope, Exit.void)
      const refused = Exit.fail(Overloaded.default)
      // It may be stored by now, so nobody says that it was not.
      assert.deepStrictEqual(yield* Fiber.join(storing), [Exit.fail(DatabaseUnavailable.default)])
      assert.deepStrictEqual(yield* Fiber.join(waiting), [refused, refused])
      assert.deepStrictEqual(yield* Effect.exit(submit([task("d")])), refused)
    })
  )
})
