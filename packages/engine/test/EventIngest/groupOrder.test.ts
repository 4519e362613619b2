/** Group commit: who is stored when, with whom, and that nobody overtakes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type GroupCommitOptions, makeGroupCommit } from "../../src/EventIngest/GroupCommit.ts"
import { scriptedStorage, type Task, task } from "./scriptedStorage.ts"

const setup = Effect.fnUntraced(function* (options: GroupCommitOptions = {}) {
  const script = scriptedStorage()
  const submit = yield* makeGroupCommit(script.storage, { groups: 1, ...options })
  /** Hands them in, each by itself, in this order. */
  const hand = (...tasks: ReadonlyArray<Task>) =>
    Effect.forEach(tasks, (one) => Effect.forkChild(submit([one]), { startImmediately: true }))
  return { ...script, submit, hand }
})

describe("Group commit", () => {
  it.effect("stores at once when it is idle, and what came meanwhile together", () =>
    Effect.gen(function* () {
      const { begun, end, hand } = yield* setup({ groups: 2 })
      yield* hand(task("a"))
      assert.deepStrictEqual(yield* begun, ["a"])
      yield* hand(task("b"))
      assert.deepStrictEqual(yield* begun, ["b"], "a second group is stored beside the first")
      yield* hand(task("c"), task("d"))
      assert.deepStrictEqual(yield* begun, [], "a third one is not")
      yield* end("b")
      assert.deepStrictEqual(yield* begun, ["c d"])
    })
  )

  it.effect("begins a second group when as many wait as the first one has", () =>
    Effect.gen(function* () {
      const { begun, hand } = yield* setup({ groups: 2 })
      yield* hand(task("a"), task("b"))
      assert.deepStrictEqual(yield* begun, ["a b"], "what came at the same moment is stored together")
      yield* hand(task("c"))
      assert.deepStrictEqual(yield* begun, [], "one is fewer than two")
      yield* hand(task("d"))
      assert.deepStrictEqual(yield* begun, ["c d"])
    })
  )

  it.effect("begins a second group when the first one is done", () =>
    Effect.gen(function* () {
      const { begun, end, hand } = yield* setup({ groups: 2 })
      yield* hand(task("a"), task("b"))
      yield* begun
      yield* hand(task("c"))
      yield* end("a")
      assert.deepStrictEqual(yield* begun, ["c"])
    })
  )

  it.effect("begins a second group when the first one takes its time", () =>
    Effect.gen(function* () {
      const { begun, hand } = yield* setup({ groups: 2, linger: 5 })
      yield* hand(task("a"), task("b"))
      yield* begun
      yield* TestClock.adjust(4)
      yield* hand(task("c"))
      assert.deepStrictEqual(yield* begun, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* begun, ["c"])
      yield* hand(task("d"))
      assert.deepStrictEqual(yield* begun, [], "both are busy")
    })
  )

  it.effect("answers all that were handed in together, in their order", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, submit } = yield* setup()
      const batch = yield* Effect.forkChild(submit([task("a"), task("b"), task("c")]))
      yield* begun
      yield* end("a", { alone: "a", later: "b" })
      assert.deepStrictEqual(yield* begun, ["alone a", "b"])
      yield* end("b")
      yield* endAlone("a", Effect.fail("refused"))
      const exits = yield* Fiber.join(batch)
      assert.deepStrictEqual(
        exits.map((exit) => (exit._tag === "Success" ? exit.value : "failed")),
        ["failed", "b", "c"]
      )
    })
  )

  it.effect("nobody whose slot is being stored is stored beside it, and others are", () =>
    Effect.gen(function* () {
      const { begun, end, hand } = yield* setup({ groups: 2 })
      yield* hand(task("a", "s"))
      yield* begun
      yield* hand(task("b", "s"), task("c", "t"))
      assert.deepStrictEqual(yield* begun, ["c"])
      yield* end("a")
      assert.deepStrictEqual(yield* begun, ["b"])
    })
  )

  it.effect("nobody overtakes one who waits, by whatever slot they share", () =>
    Effect.gen(function* () {
      const { begun, end, hand } = yield* setup({ groups: 2 })
      yield* hand(task("a", "s"))
      yield* begun
      yield* hand(task("b", "s", "t"), task("c", "t", "u"), task("d", "u"), task("e", "v"))
      assert.deepStrictEqual(yield* begun, ["e"], "b waits for a, c for b, d for c")
      yield* end("a")
      assert.deepStrictEqual(yield* begun, ["b c d"])
    })
  )

  it.effect("who is stored alone keeps its slots, and the groups go on", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, hand } = yield* setup()
      yield* hand(task("a", "s"))
      yield* begun
      yield* hand(task("b", "s"))
      yield* end("a", { alone: "a" })
      assert.deepStrictEqual(yield* begun, ["alone a"])
      yield* hand(task("c", "t"))
      assert.deepStrictEqual(yield* begun, ["c"])
      yield* endAlone("a")
      yield* end("c")
      assert.deepStrictEqual(yield* begun, ["b"])
    })
  )

  it.effect("who comes later is stored before whoever came after it", () =>
    Effect.gen(function* () {
      const { begun, end, hand } = yield* setup({ groups: 1, maxGroup: 3 })
      yield* hand(task("a", "s"))
      yield* begun
      yield* hand(task("b", "t"), task("c", "t"), task("d", "u"), task("e", "t"))
      yield* end("a")
      assert.deepStrictEqual(yield* begun, ["b c d"])
      yield* end("b", { later: "c" })
      assert.deepStrictEqual(yield* begun, ["c e"])
    })
  )

  it.effect("two that are later keep their order, with those of another group between them", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, hand, submit } = yield* setup({ groups: 2 })
      yield* Effect.forkChild(submit([task("a", "s"), task("b", "s"), task("c", "s", "t")]))
      assert.deepStrictEqual(yield* begun, ["a b c"])
      yield* Effect.forkChild(submit([task("x", "x"), task("y", "x"), task("z", "z")]))
      assert.deepStrictEqual(yield* begun, ["x y z"])
      yield* hand(task("d", "t"))
      yield* end("a", { alone: "a", later: "b c" })
      assert.deepStrictEqual(yield* begun, ["alone a"], "b waits for a, c for b, d for c")
      yield* end("x", { later: "y" })
      assert.deepStrictEqual(yield* begun, ["y"])
      yield* endAlone("a")
      assert.deepStrictEqual(yield* begun, ["b c d"])
    })
  )

  it.effect("of those that go alone and share a slot only the first does, and the others come after it", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, submit } = yield* setup()
      yield* Effect.forkChild(submit([task("a", "s"), task("b", "s", "t"), task("c", "t"), task("d", "u")]))
      yield* begun
      yield* end("a", { alone: "a b c d" })
      assert.deepStrictEqual(yield* begun, ["alone a", "alone d"])
      yield* endAlone("a")
      assert.deepStrictEqual(yield* begun, ["b c"])
    })
  )

  it.effect("who goes alone does not overtake one of its group that is handed in again", () =>
    Effect.gen(function* () {
      const { begun, end, submit } = yield* setup()
      yield* Effect.forkChild(submit([task("a", "s"), task("b", "s")]))
      yield* begun
      yield* end("a", { alone: "b", later: "a" })
      assert.deepStrictEqual(yield* begun, ["a b"])
    })
  )

  it.effect("who is handed in again and again goes alone, and whoever shares its slots comes after it", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, hand } = yield* setup()
      yield* hand(task("a", "s"))
      for (let round = 0; round < 3; round++) {
        assert.deepStrictEqual(yield* begun, ["a"])
        if (round === 2) yield* hand(task("b", "s"), task("c", "t"))
        yield* end("a", { later: "a" })
      }
      assert.deepStrictEqual((yield* begun).toSorted(), ["alone a", "c"])
      yield* end("c")
      assert.deepStrictEqual(yield* begun, [])
      yield* endAlone("a")
      assert.deepStrictEqual(yield* begun, ["b"])
    })
  )

  it.effect("a group has room for one of those that share what only one may have", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, submit } = yield* setup()
      const twin = (name: string, ...slots: ReadonlyArray<string>) => ({ ...task(name, ...slots), once: "k" })
      yield* Effect.forkChild(submit([twin("a", "s"), twin("b", "t"), task("c", "t"), task("d", "u")]))
      assert.deepStrictEqual(yield* begun, ["a d"], "b waits for a, c for b")
      yield* end("a", { alone: "a" })
      assert.deepStrictEqual(yield* begun, ["alone a"])
      yield* endAlone("a")
      assert.deepStrictEqual(yield* begun, ["b c"])
    })
  )

  it.effect("of a series nobody is stored beside a group that holds another of it, and many in the same group", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, submit } = yield* setup({ groups: 2, maxGroup: 2 })
      const batch = ["a", "b", "c"].map((name) => ({ ...task(name, name), series: "batch" }))
      yield* Effect.forkChild(submit(batch))
      assert.deepStrictEqual(yield* begun, ["a b"])
      yield* end("a", { alone: "a b" })
      assert.deepStrictEqual(yield* begun, ["alone a"])
      yield* endAlone("a")
      assert.deepStrictEqual(yield* begun, ["alone b"], "one after the other, though they share no slot")
      yield* endAlone("b")
      assert.deepStrictEqual(yield* begun, ["c"])
    })
  )

  it.effect("of a series nobody goes alone before one that is handed in again", () =>
    Effect.gen(function* () {
      const { begun, end, submit } = yield* setup()
      yield* Effect.forkChild(submit(["a", "b"].map((name) => ({ ...task(name, name), series: "batch" }))))
      yield* begun
      yield* end("a", { alone: "b", later: "a" })
      assert.deepStrictEqual(yield* begun, ["a b"])
    })
  )

  it.effect("who is handed in again is not overtaken while many of its group are sent to go alone", () =>
    Effect.gen(function* () {
      const { begun, endWith, storage } = scriptedStorage()
      const submit = yield* makeGroupCommit(
        { ...storage, storeAlone: ({ name }) => Effect.succeed(name) },
        { groups: 2, maxGroup: 10_000 }
      )
      const others = Array.from({ length: 5000 }, (_, at) => task(`${at}`, `${at}`))
      yield* Effect.forkChild(submit([task("a", "s"), ...others]))
      yield* begun
      yield* Effect.forkChild(submit([task("b", "s")]))
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* begun, [])
      yield* endWith("a", ([, ...alone]) => Effect.succeed({ answers: new Map(), alone }))
      assert.deepStrictEqual(yield* begun, ["a b"])
    })
  )

  it.effect("so many are stored alone at the same time, and no more", () =>
    Effect.gen(function* () {
      const { begun, end, endAlone, submit } = yield* setup({ alone: 2 })
      yield* Effect.forkChild(submit(["a", "b", "c"].map((name) => task(name, name))))
      yield* begun
      yield* end("a", { alone: "a b c" })
      assert.deepStrictEqual(yield* begun, ["alone a", "alone b"])
      yield* endAlone("b")
      assert.deepStrictEqual(yield* begun, ["alone c"])
    })
  )
})
