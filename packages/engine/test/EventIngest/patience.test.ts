/** Who has to wait for others of its own group is waited for. */
import { expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Item, makeGroupCommit } from "../../src/EventIngest/GroupCommit.ts"

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
