/** A group of events tells the analytics provider which keys are one person as each event alone would, and once. */
import { assert, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { listen, makePlatform, merges } from "../analyticsPlatform.ts"
import { clear, names } from "./engines.ts"
import { TwoEngines } from "./TwoEngines.ts"

const platform = makePlatform()

layer(TwoEngines.telling(platform.layer), { excludeTestServices: true, timeout: "30 seconds" })(
  "What a group tells the analytics provider",
  (it) => {
    const setup = Effect.gen(function* () {
      const engines = yield* TwoEngines
      const { sql } = engines.ours
      yield* clear(engines.ours)
      yield* sql`truncate hogsend.outbound_messages`
      yield* platform.can({ identityMerge: true })
      const put = (named: object) => engines.other.send({ name: "put", ...named })
      const ownId = (value: string) =>
        Effect.map(
          sql<{ id: string }>`select contact_id as id from hogsend.identity_keys where value = ${value}`,
          ([row]) => row?.id ?? "nobody"
        )
      return {
        ...engines,
        sql,
        put,
        ownId,
        told: Effect.map(Effect.provideService(merges, PgClient.PgClient, sql), (all) => all.toSorted())
      }
    })

    it.effect("is each anonymous id of a user whom it makes, marked as told, and not the contact's own id", () =>
      Effect.gen(function* () {
        const { ours, sql, told } = yield* setup
        yield* Effect.provideService(listen, PgClient.PgClient, sql)
        const events = ["1", "2", "3"].map((n) => ({ name: "new", userId: `u${n}`, anonymousId: `a${n}` }))
        yield* ours.sendAll([...events, { name: "visits", anonymousId: "b" }])
        assert.deepStrictEqual(yield* told, ["a1 -> u1", "a2 -> u2", "a3 -> u3"])
        assert.lengthOf(yield* sql`select from hogsend.deliveries where status = 'pending'`, 3)
        const marked = yield* sql<{ kind: string; itself: boolean | null; at: boolean }>`
          select kind, told_to = id as itself, told_at is not null as at from hogsend.identity_keys
          where contact_id in (select contact_id from hogsend.identity_keys where value = 'u1') order by kind`
        assert.deepStrictEqual(marked, [
          { kind: "anonymous", itself: false, at: true },
          { kind: "contact", itself: true, at: true },
          { kind: "external", itself: null, at: false }
        ])
        yield* ours.sendAll(events)
        assert.lengthOf(yield* told, 3)
      })
    )

    it.effect("is also what nobody heard at the time, when the contact is touched later, its own id included", () =>
      Effect.gen(function* () {
        const { other, ours, ownId, put, told } = yield* setup
        yield* platform.can({ identityMerge: false })
        yield* put({ anonymousId: "a", contactProperties: { n: 1 } })
        yield* put({ userId: "u", anonymousId: "a" })
        yield* put({ email: "e@x.co" })
        yield* put({ userId: "v", email: "e@x.co" })
        assert.deepStrictEqual(yield* told, [])
        const touched = [
          { name: "touched", userId: "u" },
          { name: "touched", userId: "v" },
          { name: "new", userId: "w", anonymousId: "c" }
        ]
        assert.deepStrictEqual(names(yield* ours.sendAll(touched)), ["stored", "stored", "stored"])
        assert.deepStrictEqual(yield* told, [])
        yield* platform.can({ identityMerge: true })
        yield* Effect.all([ours.sendAll(touched), other.sendAll(touched)], { concurrency: 2 })
        const all = [`${yield* ownId("u")} -> u`, `${yield* ownId("v")} -> v`, "a -> u", "c -> w"].toSorted()
        assert.deepStrictEqual(yield* told, all)
        yield* ours.sendAll(touched)
        assert.lengthOf(yield* told, 4)
      })
    )

    it.effect("is nothing of a group that was undone, since somebody else was faster", () =>
      Effect.gen(function* () {
        const { before, other, ours, ownId, told } = yield* setup
        const faster = other.send({ name: "theirs", email: "e@x.co", anonymousId: "a" })
        const sending = ours.sendAll([
          { name: "ours", userId: "u", anonymousId: "a" },
          { name: "ours", userId: "v", anonymousId: "b" }
        ])
        assert.deepStrictEqual(names(yield* before("the claim of keys", faster, sending)), ["stored", "stored"])
        assert.deepStrictEqual(yield* told, [`${yield* ownId("a")} -> u`, "a -> u", "b -> v"].toSorted())
      })
    )

    it.effect("is once when the same is stored in a group and alone at once, by two engines", () =>
      Effect.gen(function* () {
        const { other, ours, put, told } = yield* setup
        const users = Array.from({ length: 12 }, (_, n) => n)
        yield* Effect.forEach(users, (n) => put({ email: `e${n}@x.co`, anonymousId: `a${n}` }))
        const work = [ours, other].flatMap(({ resolver, send, sendAll }) => [
          sendAll(users.map((n) => ({ name: "all", userId: `u${n}`, anonymousId: `b${n}` }))),
          Effect.forEach(users, (n) => send({ name: "one", userId: `u${n}`, email: `e${n}@x.co` }), { concurrency: 3 }),
          Effect.forEach(users, (n) =>
            Effect.ignore(
              resolver.merge(
                { survivor: `external:u${n}`, absorbed: `anonymous:a${n}` },
                { name: "an operator", keyId: null }
              )
            )
          )
        ])
        yield* Effect.all(work, { concurrency: "unbounded" })
        const all = yield* told
        assert.strictEqual(new Set(all).size, all.length, "none is told twice")
        const named = all.filter((one) => /^[ab]\d/.test(one))
        assert.sameMembers(
          named,
          users.flatMap((n) => [`a${n} -> u${n}`, `b${n} -> u${n}`])
        )
      })
    )

    it.effect.each([
      ["in a group", { userId: "u" }],
      ["alone", { userId: "u", anonymousId: "a" }]
    ] as const)("is nothing of a duplicate, %s", ([, named]) =>
      Effect.gen(function* () {
        const { ours, put, sql, told } = yield* setup
        yield* platform.can({ identityMerge: false })
        yield* put({ anonymousId: "a", contactProperties: { n: 1 } })
        yield* put({ userId: "u", anonymousId: "a" })
        const once = { name: "once", ...named, idempotencyKey: "k" }
        yield* ours.send(once)
        yield* platform.can({ identityMerge: true })
        assert.deepStrictEqual(names(yield* ours.sendAll([once])), ["duplicate"])
        assert.deepStrictEqual(yield* told, [])
        assert.lengthOf(yield* sql`select from hogsend.identity_keys where told_at is not null`, 0)
      })
    )
  }
)
