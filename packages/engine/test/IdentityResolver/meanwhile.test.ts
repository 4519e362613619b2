/** An operator, or a request, that waits for somebody else acts on what those left, not on what it read before. */
import { assert, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, type Result } from "effect"
import { CurrentTransformer } from "effect/sql/Statement"
import type { IdentityResolver } from "../../src/IdentityResolver.ts"
import type { Assertion } from "../../src/IdentityResolver/snapshot.ts"
import { newId } from "../../src/newId.ts"
import { Tombstones } from "../../src/Tombstones.ts"
import { somebodyWaits } from "../openTransaction.ts"
import { says } from "./assertions.ts"
import { interfere, once } from "./interfere.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const actor = { name: "an operator", keyId: null }

layer(resolverLayer({ maxConnections: 6 }), { excludeTestServices: true, timeout: "30 seconds" })(
  "Identity, when somebody waits",
  (it) => {
    const setup = Effect.gen(function* () {
      const store = yield* makeSqlStore
      yield* store.clear
      const { resolver, sql } = store
      // Outside of the request's fiber, and so of its transaction.
      const run = Effect.runPromiseWith(Context.empty())

      /** Begins what has to wait for somebody, as soon as it is called, and answers what comes of it. */
      const waiting = <A, E>(other: Effect.Effect<A, E>) => {
        const outcomes: Array<Promise<Result.Result<A, E>>> = []
        const begin = () => {
          outcomes.push(run(Effect.result(other)))
          return run(Effect.provideService(somebodyWaits, PgClient.PgClient, sql))
        }
        const outcome = Effect.gen(function* () {
          const [result] = yield* Effect.promise(() => Promise.all(outcomes))
          return yield* result === undefined ? Effect.die(new Error("It never began")) : Effect.fromResult(result)
        })
        return { begin, outcome }
      }

      /** Runs the other one while everybody whom the assertion is about is locked and all is done but the commit. */
      const during = <A, E>(assertion: Assertion, other: Effect.Effect<A, E>) => {
        const { begin, outcome } = waiting(other)
        const work = { occurredAt: new Date(), write: () => Effect.promise(begin) }
        return Effect.andThen(resolver.resolve(assertion, { actor, source: "api" }, work), outcome)
      }

      const idOf = (value: string) =>
        Effect.map(resolver.lookup({ kind: value.includes("@") ? "email" : "external", value }), (found) => {
          if (found === null || found.contactId === null) throw new Error(`Nobody holds ${value}`)
          return found.contactId
        })
      const cuts = Effect.map(resolver.cuts({ limit: 10, offset: 0 }), (found) => found.cuts)
      return { ...store, run, waiting, during, idOf, cuts }
    })

    const splitOff = (resolver: IdentityResolver["Service"], contact: string, key: string) =>
      resolver.split({ contact, keys: [key] }, actor)

    it.effect("a split that waits for a merge into the contact leaves it what that one brought", () =>
      Effect.gen(function* () {
        const { contact, during, idOf, resolver, say } = yield* setup
        yield* say(says({ userId: "u1" }), { properties: { own: 1 } })
        yield* say(says({ anonymousId: "a1" }), { properties: { of: "a1" } })
        yield* say(says({ userId: "u1", anonymousId: "a1" }))
        yield* say(says({ anonymousId: "d1" }), { properties: { color: "red" } })
        const merging = says({ userId: "u1", anonymousId: "d1" })
        const outcome = yield* during(merging, splitOff(resolver, "external:u1", "anonymous:a1"))
        assert.deepStrictEqual(outcome.properties, { contact: { own: 1, color: "red" }, splitOff: { of: "a1" } })
        assert.deepStrictEqual((yield* contact(yield* idOf("u1"))).properties, { own: 1, color: "red" })
        assert.deepStrictEqual((yield* contact(yield* idOf("a1"))).properties, { of: "a1" })
        assert.strictEqual(yield* idOf("d1"), yield* idOf("u1"))
      })
    )

    it.effect("a split that names an address which moves to another user meanwhile is refused", () =>
      Effect.gen(function* () {
        const { during, idOf, keys, living, resolver, say } = yield* setup
        const past = { occurredAt: new Date(Date.now() - 60_000) }
        yield* say(says({ userId: "u1", email: "e1@x.co" }), past)
        yield* say(says({ userId: "u2" }), past)
        const moving = says({ userId: "u2", email: "e1@x.co" })
        const refused = yield* Effect.flip(during(moving, splitOff(resolver, "external:u1", "email:e1@x.co")))
        assert.deepInclude(refused, { _tag: "SplitImpossible", keys: ["email:e1@x.co"] })
        assert.strictEqual(yield* idOf("e1@x.co"), yield* idOf("u2"))
        assert.lengthOf(yield* living, 2)
        const former = (yield* keys).filter(({ kind }) => kind === "history")
        assert.deepStrictEqual(
          former.map(({ contactId }) => contactId),
          [yield* idOf("u1")]
        )
      })
    )

    it.effect.each([
      ["its whole contact", { userId: "gone" }],
      ["a contact with it", { userId: "u1", email: "gone@x.co" }]
    ] as const)("a key that somebody makes and an erasure takes before it is claimed does not start %s", ([, named]) =>
      Effect.gen(function* () {
        const { keys, run, say, sql } = yield* setup
        const tombstones = yield* Tombstones
        const gone =
          "email" in named
            ? ({ kind: "email", value: "gone@x.co" } as const)
            : ({ kind: "external", value: "gone" } as const)
        const erase = sql.withTransaction(
          Effect.gen(function* () {
            yield* tombstones.bury([gone])
            for (const table of ["events", "identity_keys", "contacts"]) {
              yield* sql`delete from ${sql.literal(`hogsend.${table}`)}`
            }
          })
        )
        const comeAndGo = once(() => run(Effect.andThen(say({ ...says({}), keys: [gone] }), erase)))
        const answer = yield* say(says(named)).pipe(
          Effect.provideService(CurrentTransformer, interfere("insert into hogsend.contacts", comeAndGo)),
          Effect.catchTag("PersonErased", ({ warnings }) => Effect.succeed({ keyId: null, warnings }))
        )
        assert.deepStrictEqual(
          answer.warnings.map(({ code }) => code),
          ["erased_person"]
        )
        assert.strictEqual(answer.keyId === null, "userId" in named && named.userId === "gone")
        assert.notInclude(
          (yield* keys).map(({ value }) => value),
          gone.value
        )
      })
    )

    it.effect("a cut whose one side is merged meanwhile is lifted where it went", () =>
      Effect.gen(function* () {
        const { cuts, during, idOf, ledger, resolver, say } = yield* setup
        yield* say(says({ userId: "u1", anonymousId: "a1" }))
        yield* splitOff(resolver, "external:u1", "anonymous:a1")
        yield* say(says({ userId: "u2" }))
        const [cut] = yield* cuts
        yield* during(says({ userId: "u2", anonymousId: "a1" }), resolver.liftCut(cut?.id ?? "", actor))
        assert.deepStrictEqual(yield* cuts, [])
        const lifted = (yield* ledger(yield* idOf("u1"))).filter(({ action }) => action === "cut_lifted")
        assert.deepStrictEqual(
          lifted.map(({ contactId, otherContactId }) => new Set([contactId, otherContactId])),
          [new Set([yield* idOf("u1"), yield* idOf("u2")])]
        )
      })
    )

    it.effect("of two operators who lift a cut at once one does, and the other hears that it is lifted", () =>
      Effect.gen(function* () {
        const { cuts, idOf, ledger, resolver, say, waiting } = yield* setup
        yield* say(says({ userId: "u1", anonymousId: "a1" }))
        yield* splitOff(resolver, "external:u1", "anonymous:a1")
        const [cut] = yield* cuts
        const lift = resolver.liftCut(cut?.id ?? "", actor)
        const { begin, outcome } = waiting(lift)
        const second = interfere("delete from hogsend.identity_cuts", once(begin))
        yield* Effect.provideService(lift, CurrentTransformer, second)
        assert.strictEqual((yield* Effect.flip(outcome))._tag, "CutNotFound")
        assert.deepStrictEqual(yield* cuts, [])
        const lifted = (yield* ledger(yield* idOf("u1"))).filter(({ action }) => action === "cut_lifted")
        assert.lengthOf(lifted, 1)
      })
    )

    it.effect("to lift one of two cuts between the same contacts lifts both, also against a merge", () =>
      Effect.gen(function* () {
        const { cuts, idOf, resolver, say, sql, waiting } = yield* setup
        for (const userId of ["u1", "u2"]) yield* say(says({ userId }))
        yield* say(says({ anonymousId: "a1" }))
        const [u1, a1] = [yield* idOf("u1"), yield* idOf("a1")]
        const [first, second] = [newId(), newId()]
        const cutTwice = sql`
          insert into hogsend.identity_cuts (id, contact_id, other_contact_id, actor)
          values (${first}, ${u1}, ${a1}, 'a test'), (${second}, ${a1}, ${u1}, 'a test')`
        yield* cutTwice
        yield* resolver.liftCut(second, actor)
        assert.deepStrictEqual(yield* cuts, [])

        yield* cutTwice
        const { begin, outcome } = waiting(resolver.liftCut(first, actor))
        // One of them went along with the merge already, and the other has not.
        const between = interfere("set other_contact_id", once(begin))
        yield* Effect.provideService(say(says({ userId: "u2", anonymousId: "a1" })), CurrentTransformer, between)
        yield* outcome
        assert.deepStrictEqual(yield* cuts, [])
      })
    )
  }
)
