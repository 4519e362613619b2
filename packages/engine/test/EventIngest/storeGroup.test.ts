/** What becomes of a group that cannot be stored as it is: who goes alone, and who comes after them. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { clear, storedEvents } from "./engines.ts"
import { refusing } from "./refusing.ts"
import { storeGroupOf, submission, told } from "./submission.ts"
import { TwoEngines } from "./TwoEngines.ts"

const setup = Effect.gen(function* () {
  const engines = yield* TwoEngines
  yield* clear(engines.other)
  return { ...engines, storeGroup: storeGroupOf(engines.ours), poisoned: refusing(engines.other) }
})

layer(TwoEngines.layer, { excludeTestServices: true, timeout: "30 seconds" })(
  "A group that cannot be stored as it is",
  (it) => {
    it.effect("when somebody else has a key, whoever names it goes alone, and nobody else is stored yet", () =>
      Effect.gen(function* () {
        const { before, other, storeGroup } = yield* setup
        const group = [
          submission({ name: "neighbour", userId: "v" }),
          submission({ name: "first", userId: "u", anonymousId: "a" }),
          submission({ name: "again", anonymousId: "a" }),
          submission({ name: "by way of it", userId: "u" })
        ]
        const theirs = other.send({ name: "theirs", anonymousId: "a" })
        const outcome = yield* before("the claim of keys", theirs, storeGroup(group))
        assert.deepStrictEqual(told(outcome), { answered: [], alone: ["first", "again"] })
      })
    )

    it.effect("what the database refuses is looked for by halves, and nobody of the second is stored yet", () =>
      Effect.gen(function* () {
        const { other, poisoned, storeGroup } = yield* setup
        yield* other.sendAll([
          { name: "u", userId: "u" },
          { name: "e", email: "e@x.co" }
        ])
        yield* poisoned("poison", "22000")
        const group = [
          submission({ name: "merges", userId: "u", email: "e@x.co" }),
          submission({ name: "neighbour", userId: "v" }),
          submission({ name: "poison", userId: "p" }),
          submission({ name: "follows", userId: "u" })
        ]
        assert.deepStrictEqual(told(yield* storeGroup(group)), { answered: ["neighbour"], alone: ["merges"] })
        assert.deepStrictEqual(told(yield* storeGroup(group.slice(2, 3))), { answered: [], alone: ["poison"] })
      })
    )

    it.effect("a deadlock begins again", () =>
      Effect.gen(function* () {
        const { ours, poisoned, storeGroup } = yield* setup
        yield* poisoned("struggle", "40P01", 3)
        const outcome = yield* storeGroup(["a", "b"].map((userId) => submission({ name: "struggle", userId })))
        assert.deepStrictEqual(told(outcome), { answered: ["struggle", "struggle"], alone: [] })
        assert.lengthOf(yield* storedEvents(ours), 2)
      })
    )

    it.effect("who struggles all the time goes alone", () =>
      Effect.gen(function* () {
        const { ours, poisoned, storeGroup } = yield* setup
        yield* poisoned("struggle", "40P01")
        const group = [
          submission({ name: "struggle", userId: "u" }),
          submission({ name: "follows", userId: "u" }),
          submission({ name: "another", userId: "v" })
        ]
        const outcome = told(yield* storeGroup(group))
        assert.deepStrictEqual(outcome, {
          answered: [],
          alone: ["struggle", "follows", "another"]
        })
        assert.lengthOf(yield* storedEvents(ours), 0)
      })
    )
  }
)
