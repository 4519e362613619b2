/** Group commit: how much waits, for how long, and how much is stored together. */
import { assert, describe, it } from "@effect/vitest"
import { Overloaded } from "@hogsend/core"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeGroupCommit } from "../../src/EventIngest/GroupCommit.ts"
import { scriptedStorage, task } from "./scriptedStorage.ts"

const refused = Exit.fail(Overloaded.default)
const many = (count: number, prefix = "n") => Array.from({ length: count }, (_, n) => task(`${prefix}${n}`))

describe("Group commit", () => {
  it.effect("refuses what is more than it holds, all or nothing, and has room again when they are answered", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, storage } = scriptedStorage()
      const submit = yield* makeGroupCommit(storage, { groups: 1, maxItems: 3 })
      const first = yield* Effect.forkChild(submit([task("a", "s")]))
      yield* begun
      assert.deepStrictEqual(yield* Effect.exit(submit(many(3))), refused)
      const two = yield* Effect.forkChild(submit([task("b", "s"), task("c", "s")]))
      assert.deepStrictEqual(yield* begun, [])
      assert.deepStrictEqual(yield* Effect.exit(submit([task("d")])), refused)
      yield* end("a", { alone: "a" })
      yield* begun
      assert.deepStrictEqual(yield* Effect.exit(submit([task("e")])), refused, "who is stored alone takes room")
      yield* endAlone("a", Effect.fail("no"))
      yield* Fiber.join(first)
      assert.deepStrictEqual(yield* begun, ["b c"])
      const next = yield* Effect.forkChild(submit([task("f")]))
      yield* end("b", { later: "c" })
      assert.deepStrictEqual(yield* begun, ["c f"])
      assert.deepStrictEqual(yield* Effect.exit(submit([task("g"), task("h")])), refused, "who is later takes room")
      yield* end("c")
      yield* Fiber.joinAll([two, next])
      yield* Effect.forkChild(submit(many(3)))
      assert.deepStrictEqual(yield* begun, ["n0 n1 n2"])
    })
  )

  it.effect("answers nothing with nothing", () =>
    Effect.gen(function* () {
      const submit = yield* makeGroupCommit(scriptedStorage().storage)
      assert.deepStrictEqual(yield* submit([]), [])
    })
  )

  it.effect("takes no more together than its number and its size, and one that is larger by itself", () =>
    Effect.gen(function* () {
      const { begun, end, storage } = scriptedStorage()
      const submit = yield* makeGroupCommit(storage, { groups: 1, maxGroup: 3, maxGroupSize: 10 })
      const sized = (name: string, size: number) => ({ ...task(name), size })
      yield* Effect.forkChild(submit([...many(4), sized("a", 9), sized("b", 1), sized("c", 11), sized("d", 1)]))
      const groups = []
      for (let [group] = yield* begun; group !== undefined; [group] = yield* begun) {
        groups.push(group)
        yield* end(group.split(" ")[0] ?? "")
      }
      assert.deepStrictEqual(groups, ["n0 n1 n2", "n3 a", "b", "c", "d"])
    })
  )

  it.effect("who has waited for too long is refused at their turn, and the others are stored", () =>
    Effect.gen(function* () {
      const { begun, end, storage } = scriptedStorage()
      const submit = yield* makeGroupCommit(storage, { groups: 1, patience: 1000 })
      const first = yield* Effect.forkChild(submit([task("a", "s")]))
      yield* begun
      const waiting = yield* Effect.forkChild(submit([task("b", "s")]))
      yield* begun
      yield* TestClock.adjust(1)
      const patient = yield* Effect.forkChild(submit([task("c", "s")]))
      yield* begun
      yield* TestClock.adjust(1000)
      yield* end("a")
      assert.deepStrictEqual(yield* begun, ["c"])
      assert.deepStrictEqual(yield* Fiber.join(waiting), [refused])
      yield* end("c")
      assert.deepStrictEqual(yield* Fiber.join(first), [Exit.succeed("a")], "what is being stored is never too old")
      assert.deepStrictEqual(yield* Fiber.join(patient), [Exit.succeed("c")])
    })
  )
})
