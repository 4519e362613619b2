/** What was left out, on real Postgres: the ledger's row of a limit can be applied later, and erased people stay erased. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Resolution } from "../../src/IdentityResolver.ts"
import { Tombstones } from "../../src/Tombstones.ts"
import { says } from "./assertions.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const actor = { name: "an operator", keyId: null }
const refusedOf = ({ changes }: Resolution) => changes.refused.map(({ key, rule }) => [key.value, rule])
const codesOf = ({ warnings }: Resolution) => warnings.map(({ code }) => code)

layer(resolverLayer({ maxConnections: 4, limits: { keys: { email: 1, anonymous: 1 }, mergesPerDay: 1 } }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("What a request leaves out", (it) => {
  it.effect("a key over the limit is a warning each time, a row of the ledger once, and an operator can add it", () =>
    Effect.gen(function* () {
      const { clear, ledger, ownerOfEvent, resolver, say } = yield* makeSqlStore
      yield* clear
      const first = yield* say(says({ userId: "u1", email: "e1@x.co" }))
      const id = first.contact?.id ?? ""
      for (const _again of [1, 2]) {
        const full = yield* say(says({ userId: "u1", email: "e2@x.co", anonymousId: "a1" }))
        assert.deepStrictEqual(refusedOf(full), [["e2@x.co", "too_many_keys"]])
        assert.deepStrictEqual(codesOf(full), ["limit_reached"])
      }
      const refusals = (yield* ledger(id)).filter(({ action }) => action === "join_refused")
      assert.lengthOf(refusals, 1)
      const kept = yield* resolver.lookup({ kind: "email", value: "e2@x.co" })
      assert.deepInclude(kept, { contactId: null })

      const added = yield* resolver.merge({ survivor: "external:u1", absorbed: "email:e2@x.co" }, actor)
      assert.deepStrictEqual(added.absorbed, null)
      assert.deepInclude(yield* resolver.lookup({ kind: "email", value: "e2@x.co" }), { contactId: id })
      const again = yield* say(says({ userId: "u1", email: "e2@x.co" }))
      assert.deepStrictEqual(refusedOf(again), [])
      assert.strictEqual(yield* ownerOfEvent((yield* say(says({ email: "e2@x.co" }))).eventId), id)
    })
  )

  it.effect("a merge over the limit of a day can be made by an operator, and the next day by itself", () =>
    Effect.gen(function* () {
      const { clear, resolver, say, sql } = yield* makeSqlStore
      yield* clear
      for (const userId of ["u1", "u2"]) yield* say(says({ userId }))
      for (const email of ["e1@x.co", "e2@x.co"]) yield* say(says({ email }))
      yield* say(says({ anonymousId: "a1" }))
      yield* sql`update hogsend.identity_keys set placed_at = placed_at - interval '2 days'`
      yield* say(says({ userId: "u1", anonymousId: "a1" }))
      const tooMany = yield* say(says({ userId: "u1", email: "e1@x.co" }))
      assert.deepStrictEqual(refusedOf(tooMany), [["e1@x.co", "too_many_merges"]])
      yield* resolver.merge({ survivor: "external:u1", absorbed: "email:e1@x.co" }, actor)
      assert.deepStrictEqual(refusedOf(yield* say(says({ userId: "u1", email: "e1@x.co" }))), [])

      yield* say(says({ anonymousId: "b1" }))
      yield* say(says({ userId: "u2", anonymousId: "b1" }))
      assert.deepStrictEqual(refusedOf(yield* say(says({ userId: "u2", email: "e2@x.co" }))), [
        ["e2@x.co", "too_many_merges"]
      ])
      yield* sql`update hogsend.identity_keys set placed_at = placed_at - interval '1 day' where kind = 'contact'`
      const nextDay = yield* say(says({ userId: "u2", email: "e2@x.co" }))
      assert.lengthOf(nextDay.changes.merged, 1)
    })
  )

  it.effect(
    "of an erased person nothing is stored, until a server restores them, and what happened before never is",
    () =>
      Effect.gen(function* () {
        const { clear, everything, keys, resolver, say, sql } = yield* makeSqlStore
        yield* clear
        const tombstones = yield* Tombstones
        const [email, user] = [
          { kind: "email", value: "gone@x.co" } as const,
          { kind: "external", value: "gone" } as const
        ]
        yield* tombstones.bury([email, user])
        const [clock] = yield* sql<{ now: Date }>`select hogsend.now() as now`
        const [late, now] = [
          new Date((clock?.now.getTime() ?? 0) - 60_000),
          new Date((clock?.now.getTime() ?? 0) + 1000)
        ]
        const before = yield* everything
        for (const [restores, occurredAt] of [
          [false, now],
          [false, late],
          [true, late]
        ] as const) {
          const stopped = yield* Effect.flip(say(says({ userId: "gone" }, { restores }), { occurredAt }))
          assert.strictEqual(stopped._tag, "PersonErased")
        }
        assert.strictEqual(yield* everything, before)

        const weaker = yield* say(says({ userId: "u9", email: "gone@x.co" }), { occurredAt: now })
        assert.deepStrictEqual(codesOf(weaker), ["erased_person"])
        assert.isNull(yield* resolver.lookup(email))

        const begun = yield* say(says({ userId: "gone", email: "gone@x.co" }, { restores: true }), { occurredAt: now })
        assert.deepStrictEqual(begun.warnings, [])
        yield* say(says({ userId: "u9", email: "gone@x.co" }), { occurredAt: new Date(now.getTime() + 1000) })
        assert.lengthOf(
          (yield* keys).filter(({ kind }) => kind === "history"),
          1,
          "the address moved"
        )
        for (const named of [{ userId: "gone" }, { email: "gone@x.co" }]) {
          const stopped = yield* Effect.flip(say(says(named), { occurredAt: late }))
          assert.strictEqual(stopped._tag, "PersonErased", "by what the living key knows")
        }
      })
  )
})
