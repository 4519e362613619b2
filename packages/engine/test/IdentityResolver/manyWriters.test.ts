/** Many writers on one database: no key and no event is ever left behind, and no caller sees the struggle. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { CurrentTransformer } from "effect/sql/Statement"
import { componentsOf, isConflictFree } from "./assertions.ts"
import { counting } from "./counting.ts"
import { roundsOf, timeoutOfRounds } from "./depth.ts"
import { makeRandom } from "./random.ts"
import { anyNamed, calls, callsEach, checkRound, runRound, writers } from "./round.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

layer(resolverLayer({ maxConnections: writers + 2 }), { excludeTestServices: true, timeout: "60 seconds" })(
  "IdentityResolver under many writers",
  (it) => {
    it.effect.each([
      ["24 keys", 8],
      ["8 keys", 3]
    ] as const)(
      "over %s: as if one after the other, no key and no event lost, every refusal told once, no error",
      ([, perKind]) =>
        Effect.gen(function* () {
          const store = yield* makeSqlStore
          const { counts, transformer } = counting()
          const seed = 1 + (Date.now() % 1_000_000)
          const random = makeRandom(seed)
          const occurred = { moves: 0, refusals: 0 }
          for (let round = 0; round < roundsOf(40); round++) {
            yield* store.clear
            const plan = calls(() => anyNamed(random, perKind))
            counts.calls += writers * callsEach
            yield* Effect.gen(function* () {
              const done = yield* Effect.provideService(runRound(store, plan), CurrentTransformer, transformer)
              const { moves, refusals } = yield* checkRound(store, done)
              occurred.moves += moves
              occurred.refusals += refusals
            }).pipe(Effect.tapCause(() => Effect.logError(`Round ${round} of seed ${seed}`)))
          }
          assert.isAbove(counts.attempts, counts.calls, "somebody had to try again")
          assert.isAbove(occurred.moves, 0, "addresses moved")
          assert.isAbove(occurred.refusals, 0, "keys were refused")
          yield* Effect.logInfo(`${counts.attempts - counts.calls} retries of ${counts.calls} calls`, counts, occurred)
        }),
      timeoutOfRounds
    )

    it.effect(
      "over keys without a conflict: what is connected is one contact, and nothing else is",
      () =>
        Effect.gen(function* () {
          const store = yield* makeSqlStore
          const seed = 1 + (Date.now() % 1_000_000)
          const random = makeRandom(seed)
          for (let round = 0; round < roundsOf(40); round++) {
            yield* store.clear
            // Four people with a user id, an email and four anonymous ids each; one key of each kind in an assertion.
            const plan = calls(() => {
              const { anonymousId, email, userId } = anyNamed(random, 4)
              const p = random(4)
              return {
                userId: userId === undefined ? undefined : `u${p}`,
                email: email === undefined ? undefined : `e${p}@x.co`,
                anonymousId: anonymousId === undefined ? undefined : `${anonymousId}-${p}`
              }
            })
            assert.isTrue(isConflictFree(plan.flat()))
            yield* Effect.gen(function* () {
              const { bySlot } = yield* checkRound(store, yield* runRound(store, plan))
              const { connected, externals, strings } = componentsOf(plan.flat())
              const contactOf = (value: string) => bySlot.get(`${value.includes("@")} ${value}`)?.contactId
              for (const a of strings) {
                for (const b of strings) {
                  assert.strictEqual(contactOf(a) === contactOf(b), connected(a, b), `${a} with ${b}`)
                }
                const found = yield* store.resolver.lookup({ kind: a.includes("@") ? "email" : "external", value: a })
                const [external] = externals(a)
                if (external !== undefined) assert.strictEqual(found?.contactKey, external)
              }
            }).pipe(Effect.tapCause(() => Effect.logError(`Round ${round} of seed ${seed}`)))
          }
        }),
      timeoutOfRounds
    )
  }
)
