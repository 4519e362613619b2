/** Cuts on real Postgres: they follow whoever is merged, also while a split hands them on, until an operator merges. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect } from "effect"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import { says } from "./assertions.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

layer(resolverLayer({ maxConnections: 4 }), { excludeTestServices: true, timeout: "30 seconds" })("A cut", (it) => {
  it.effect("follows the contact that is merged, and is gone when an operator merges the two", () =>
    Effect.gen(function* () {
      const { clear, resolver, say } = yield* makeSqlStore
      yield* clear
      const actor = { name: "an operator", keyId: null }
      yield* say(says({ userId: "u1", anonymousId: "a1" }))
      yield* say(says({ userId: "u2" }))
      yield* resolver.split({ contact: "external:u1", keys: ["anonymous:a1"] }, actor)
      yield* say(says({ userId: "u2", anonymousId: "a1" }))
      const { changes, warnings } = yield* say(says({ userId: "u1", anonymousId: "a1" }))
      assert.deepStrictEqual(
        changes.refused.map(({ rule }) => rule),
        ["cut"]
      )
      assert.deepStrictEqual(
        warnings.map(({ code }) => code),
        ["cut"]
      )
      yield* resolver.merge({ survivor: "external:u1", absorbed: "anonymous:a1" }, actor)
      assert.deepStrictEqual((yield* resolver.cuts({ limit: 10, offset: 0 })).cuts, [])
    })
  )

  it.effect("is lifted with every other one between the same two, whichever way round they were cut", () =>
    Effect.gen(function* () {
      const { clear, resolver, say } = yield* makeSqlStore
      yield* clear
      const actor = { name: "an operator", keyId: null }
      yield* say(says({ userId: "u1", email: "e1@x.co" }))
      yield* say(says({ anonymousId: "a1" }))
      yield* resolver.merge({ survivor: "anonymous:a1", absorbed: "external:u1" }, actor)
      yield* resolver.split({ contact: "anonymous:a1", keys: ["external:u1", "email:e1@x.co"] }, actor)
      yield* resolver.split({ contact: "external:u1", keys: ["email:e1@x.co"] }, actor)
      yield* resolver.merge({ survivor: "anonymous:a1", absorbed: "email:e1@x.co" }, actor)
      const { cuts } = yield* resolver.cuts({ limit: 10, offset: 0 })
      const sides = cuts.map(({ contact, otherContact }) => [contact.contactKey, otherContact.contactKey])
      assert.sameDeepMembers(sides, [
        ["a1", "u1"],
        ["u1", "a1"]
      ])
      yield* resolver.liftCut(cuts[0]?.id ?? "", actor)
      assert.deepStrictEqual((yield* resolver.cuts({ limit: 10, offset: 0 })).cuts, [])
      const { changes } = yield* say(says({ userId: "u1", anonymousId: "a1" }))
      assert.deepStrictEqual(changes.refused, [])
      assert.strictEqual(changes.merged.length, 1)
    })
  )

  it.effect("holds for whom a later split makes, also when its other side is merged meanwhile", () =>
    Effect.gen(function* () {
      const { clear, resolver, say } = yield* makeSqlStore
      yield* clear
      const actor = { name: "an operator", keyId: null }
      yield* say(says({ userId: "u1", anonymousId: "a1" }))
      yield* say(says({ userId: "u1", anonymousId: "b1" }))
      yield* say(says({ userId: "u2" }))
      yield* resolver.split({ contact: "external:u1", keys: ["anonymous:a1"] }, actor)
      let merging: Promise<unknown> | undefined
      const run = Effect.runPromiseWith(Context.empty())
      const meanwhile: Transformer = (statement) => {
        if (merging === undefined && statement.compile()[0].includes("limit 1")) {
          merging = run(say(says({ userId: "u2", anonymousId: "a1" })))
          const joined = Effect.promise(() => Promise.race([merging, run(Effect.sleep(500))]))
          return Effect.as(joined, statement)
        }
        return Effect.succeed(statement)
      }
      yield* Effect.provideService(
        resolver.split({ contact: "external:u1", keys: ["anonymous:b1"] }, actor),
        CurrentTransformer,
        meanwhile
      )
      yield* Effect.promise(() => merging ?? Promise.resolve())
      const { changes } = yield* say(says({ userId: "u2", anonymousId: "b1" }))
      assert.deepStrictEqual(
        changes.refused.map(({ rule }) => rule),
        ["cut"]
      )
    })
  )
})
