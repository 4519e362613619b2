/** Who has to wait for others of its own group is waited for; who has to wait for a turn alone is not waited for for ever. */
import { expect, it } from "@effect/vitest"
import { Overloaded } from "@hogsend/core"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Item, makeGroupCommit } from "../../src/EventIngest/GroupCommit.ts"
import { quiet } from "./scriptedStorage.ts"

it.effect("a batch whose events come one after the other is stored to its end", () =>
  Effect.gen(function* () {
    const storeGroup = (items: ReadonlyArray<Item>) => {
      const [first] = items
      const answers = new Map(first === undefined ? [] : [[first, Exit.succeed(first.size)]])
      return Effect.as(Effect.sleep("6 seconds"), { answers, alone: [] })
    }
    const storeAlone = ({ size }: Item) => Effect.as(Effect.sleep("6 seconds"), size)
    const submit = yield* makeGroupCommit({ storeGroup, storeAlone }, { patience: 10_000 })
    const batch = [1, 2, 3, 4, 5].map((size): Item => ({ slots: ["batch"], size }))
    const answers = yield* Effect.forkChild(submit(batch))
    for (const _ of batch) yield* TestClock.adjust("6 seconds")
    expect(yield* Fiber.join(answers)).toEqual([1, 2, 3, 4, 5].map((size) => Exit.succeed(size)))
  })
)

it.effect("who goes alone waits for its turn as long as anybody, and no longer", () =>
  Effect.gen(function* () {
    const storeGroup = (items: ReadonlyArray<Item>) => Effect.succeed({ answers: new Map<Item, never>(), alone: items })
    const storeAlone = ({ size }: Item) => Effect.as(Effect.sleep("8 seconds"), size)
    const submit = yield* makeGroupCommit({ storeGroup, storeAlone }, { alone: 1, patience: 10_000 })
    const items = [1, 2, 3, 4, 5].map((size): Item => ({ slots: [String(size)], size }))
    const answers = yield* Effect.forkChild(submit(items))
    yield* quiet
    for (let turn = 0; turn < 3; turn++) yield* TestClock.adjust("8 seconds")
    const refused = Exit.fail(Overloaded.default)
    expect(yield* Fiber.join(answers)).toEqual([Exit.succeed(1), Exit.succeed(2), refused, refused, refused])
  })
)
