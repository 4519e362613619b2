/** What the analytics provider is told of people who are erased, and what the receipt says of it. */
import { assert, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import type { Erasure } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { listen, makePlatform, nobody, toldOf } from "../analyticsPlatform.ts"
import { browser, type Engine, engineOn, erase, server, softly } from "../EventIngest/engines.ts"

const operator = { name: "an operator", keyId: null }
const platform = makePlatform()

const setup = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  const engine = yield* engineOn(url, { analytics: platform.layer })
  yield* platform.can({ deletePerson: true, identityMerge: true })
  return { ...engine, url, ...worldOf(engine) }
})

const worldOf = (engine: Engine) => {
  const { erasures, send, sql } = engine
  const within = Effect.provideService(PgClient.PgClient, sql)
  const moveClock = (days: number) =>
    sql.unsafe(
      `create or replace function hogsend.now() returns timestamptz language sql stable as $$select pg_catalog.now() + interval '${days} days'$$`
    )
  return {
    put: (named: object) => send({ name: "put", ...named }),
    listen: within(listen),
    ownIds: Effect.map(
      sql<{ value: string }>`select value from hogsend.identity_keys where kind = 'contact' order by value`,
      (rows) => rows.map(({ value }) => value)
    ),
    deleted: Effect.map(within(toldOf("person.delete")), (told) =>
      told.map(({ contactId, data }) => ({
        contactId,
        ids: "distinctIds" in data ? [...data.distinctIds].toSorted() : []
      }))
    ),
    deliveries: sql<{ id: string; type: string; status: string; contactId: string | null; dueAt: Date }>`
      select d.id, type, status, d.contact_id as "contactId", d.due_at as "dueAt"
      from hogsend.deliveries d join hogsend.outbound_messages m on m.id = d.message_id order by turn`,
    /** Time passes until it is over, and what is due is erased. */
    waitOut: moveClock(8).pipe(Effect.andThen(erasures.eraseDue), Effect.andThen(moveClock(0))),
    receiptOf: ({ id }: Pick<Erasure, "id">) => Effect.map(erasures.get(id), ({ provider }) => provider)
  }
}

/** What can be known of a person: three strings, an address, and whom they absorbed. */
const person = Effect.fnUntraced(function* ({ put }: ReturnType<typeof worldOf>) {
  yield* put({ anonymousId: "b", email: "e@x.co" })
  yield* put({ userId: "u", anonymousId: "a" })
  yield* put({ userId: "u", email: "e@x.co" })
})

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "30 seconds" })(
  "The analytics provider, when somebody is erased",
  (it) => {
    it.effect("is asked to delete them under every id that it may know them by, by a message that outlives them", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { deleted, deliveries, listen, ownIds, receiptOf, sql } = world
        yield* listen
        yield* person(world)
        const ids = [...(yield* ownIds), "a", "b", "u"].toSorted()
        assert.lengthOf(ids, 5)
        assert.isAbove((yield* deliveries).length, 2)
        const erasure = yield* erase(world, { userId: "u" })
        assert.deepStrictEqual(yield* deleted, [{ contactId: null, ids }])
        const [delivery, ...more] = yield* deliveries
        assert.deepStrictEqual(more, [], "what waited is not told any more")
        assert.deepInclude(delivery, { type: "person.delete", status: "pending", contactId: null })
        assert.isFalse(erasure.provider.personDeleted)
        assert.include(erasure.provider.reason, `is asked to delete the person. The delivery ${delivery?.id}`)
        assert.deepStrictEqual(yield* receiptOf(erasure), erasure.provider)

        yield* world.erasures.eraseDue
        assert.isFalse((yield* receiptOf(erasure)).personDeleted)
        yield* sql`update hogsend.deliveries set status = 'delivered'`
        yield* world.erasures.eraseDue
        yield* sql`delete from hogsend.deliveries`
        const receipt = yield* receiptOf(erasure)
        assert.isTrue(receipt.personDeleted)
        assert.include(receipt.reason, delivery?.id ?? "nothing")
      })
    )

    it.effect("is asked only after what is on its way to it has arrived", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { deliveries, listen, sql } = world
        yield* listen
        yield* person(world)
        const [{ until } = { until: null }] = yield* sql<{ until: Date }>`
          update hogsend.deliveries set lease_id = gen_random_uuid(), lease_until = hogsend.now() + interval '1 minute'
          where id = (select id from hogsend.deliveries order by turn limit 1) returning lease_until as until`
        yield* erase(world, { userId: "u" })
        assert.deepStrictEqual(
          (yield* deliveries).map(({ dueAt, type }) => [type, dueAt]),
          [["person.delete", until]]
        )
      })
    )

    it.effect("is asked of a visitor who was only observed, too", () =>
      Effect.gen(function* () {
        const { deleted, erasures, listen, send } = yield* setup
        yield* listen
        yield* send({ name: "looks", anonymousId: "a" }, browser)
        const { provider } = yield* erasures.eraseByKeys({ anonymousId: "a" }, server)
        assert.deepStrictEqual(yield* deleted, [{ contactId: null, ids: ["a"] }])
        assert.include(provider.reason, "is asked")
      })
    )

    it.effect("deletes them before it hears of who begins again under one of their keys, erased again or not", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { deliveries, listen, put, resolver, sql } = world
        yield* listen
        yield* person(world)
        yield* put({ userId: "other", anonymousId: "o" })
        yield* sql`update hogsend.deliveries set status = 'delivered'`
        yield* erase(world, { userId: "other" })
        yield* erase(world, { userId: "u" })
        // Not the key that the person is known by first.
        yield* put({ userId: "u_2", anonymousId: "b", restore: true })
        const again = yield* resolver.lookup({ kind: "external", value: "u_2" })
        const pending = Effect.map(deliveries, (all) =>
          all.filter(({ status }) => status === "pending").map(({ contactId, type }) => [type, contactId])
        )
        assert.deepStrictEqual(yield* pending, [
          ["person.delete", null],
          ["person.delete", again?.contactId],
          ["person.merge", again?.contactId]
        ])
        yield* resolver.split({ contact: "external:u_2", keys: ["anonymous:b"] }, operator)
        assert.deepStrictEqual(
          (yield* pending).filter(([type]) => type === "person.delete"),
          [
            ["person.delete", null],
            ["person.delete", again?.contactId]
          ]
        )
        yield* erase(world, { userId: "u_2" })
        assert.deepStrictEqual(
          yield* pending,
          Array.from({ length: 3 }, () => ["person.delete", null])
        )
      })
    )

    it.effect("hears nothing of those who wait for their erasure until it is time, and then all that they had", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { deleted, deliveries, listen, ownIds, receiptOf, waitOut } = world
        yield* listen
        yield* person(world)
        const ids = [...(yield* ownIds), "a", "b", "u"].toSorted()
        const erasure = yield* erase(world, { userId: "u" }, softly)
        assert.include(erasure.provider.reason, "when the erasure is done")
        assert.deepStrictEqual(yield* deleted, [])
        assert.deepStrictEqual(new Set((yield* deliveries).map(({ status }) => status)), new Set(["discarded"]))
        yield* waitOut
        assert.deepStrictEqual(yield* deleted, [{ contactId: null, ids }])
        assert.lengthOf(yield* deliveries, 1)
        assert.include((yield* receiptOf(erasure)).reason, "is asked")
      })
    )

    it.effect("is told again what was withdrawn, and what it could not hear, when somebody is taken back", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { deleted, deliveries, erasures, listen, receiptOf, sql, waitOut } = world
        yield* listen
        yield* person(world)
        const before = yield* deliveries
        yield* sql`update hogsend.deliveries set status = 'delivered' where id = ${before[0]?.id ?? ""}`
        const { id } = yield* erase(world, { userId: "u" }, softly)
        yield* erasures.cancel(id, operator)
        assert.deepStrictEqual(
          (yield* deliveries).map(({ id, status }) => [id, status]),
          before.map(({ id }, n) => [id, n === 0 ? "delivered" : "pending"])
        )
        assert.include((yield* receiptOf({ id })).reason, "cancelled")

        yield* platform.can({ identityMerge: false })
        yield* world.put({ userId: "v", anonymousId: "c" })
        const again = yield* erase(world, { userId: "v" }, softly)
        yield* platform.can({ identityMerge: true })
        yield* erasures.cancel(again.id, operator)
        const told = yield* Effect.provideService(toldOf("person.merge"), PgClient.PgClient, sql)
        assert.deepStrictEqual(told.at(-1)?.data, { distinctId: "v", alias: "c" })
        yield* waitOut
        assert.deepStrictEqual(yield* deleted, [])
      })
    )

    it.effect("is not told anew what was discarded for another reason, nor where nothing is sent", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { deliveries, erasures, listen, sql } = world
        const endpoint = yield* listen
        yield* person(world)
        const [first] = yield* deliveries
        yield* sql`
          update hogsend.deliveries set status = 'discarded', last_error = 'The endpoint was disabled.'
          where id = ${first?.id ?? ""}`
        const one = yield* erase(world, { userId: "u" }, softly)
        yield* erasures.cancel(one.id, operator)
        assert.deepStrictEqual(new Set((yield* deliveries).slice(1).map(({ status }) => status)), new Set(["pending"]))
        assert.strictEqual((yield* deliveries)[0]?.status, "discarded")
        const other = yield* erase(world, { userId: "u" }, softly)
        yield* sql`update hogsend.endpoints set disabled_at = now() where id = ${endpoint}`
        yield* erasures.cancel(other.id, operator)
        assert.deepStrictEqual(new Set((yield* deliveries).map(({ status }) => status)), new Set(["discarded"]))
      })
    )

    it.effect("is not asked for what it joined with somebody else who is still here", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { deleted, listen, put, resolver } = world
        yield* listen
        yield* put({ userId: "u", anonymousId: "a" })
        yield* put({ userId: "v", anonymousId: "b" })
        const parted = yield* resolver.split({ contact: "u", keys: ["a"] }, operator)
        const { provider } = yield* world.erasures.eraseByKeys({ anonymousId: "a" }, server)
        // The contact's own id is new, and joined with nobody.
        assert.deepStrictEqual(yield* deleted, [{ contactId: null, ids: [parted.splitOff.id] }])
        assert.include(provider.reason, "is asked")
        yield* resolver.split({ contact: "v", keys: ["b"] }, operator)
        yield* erase(world, { userId: "v" })
        yield* world.erasures.eraseByKeys({ anonymousId: "b" }, server)
        // Nobody else has the person by then.
        assert.include((yield* deleted).at(-1)?.ids ?? [], "b")
      })
    )

    it.effect(
      "that cannot delete, that nobody sends to or that is not there is no delivery, and the receipt says so",
      () =>
        Effect.gen(function* () {
          const world = yield* setup
          const { deleted, deliveries, put, sql, url } = world
          yield* put({ userId: "u" })
          const unheard = yield* erase(world, { userId: "u" })
          assert.match(unheard.provider.reason, /could not be asked/)
          yield* world.listen
          yield* platform.can({ deletePerson: false })
          yield* put({ userId: "v" })
          const cannot = yield* erase(world, { userId: "v" })
          assert.match(cannot.provider.reason, /cannot delete a person/)
          const without = yield* engineOn(url, { analytics: nobody })
          yield* without.send({ name: "put", userId: "w" })
          const none = yield* erase(without, { userId: "w" })
          assert.match(none.provider.reason, /no analytics provider/)
          for (const { provider } of [unheard, cannot, none]) assert.isFalse(provider.personDeleted)
          assert.isNull(none.provider.distinctIds)
          assert.deepStrictEqual([yield* deleted, yield* deliveries], [[], []])
          assert.lengthOf(yield* sql`select from hogsend.outbound_messages`, 0)
        })
    )

    it.effect("and it has to be done by hand, the answer tells their ids, and no later one does", () =>
      Effect.gen(function* () {
        const world = yield* setup
        const { erasures, ownIds, put, receiptOf, sql, waitOut } = world
        yield* platform.can({ deletePerson: false })
        for (const [eraser, status] of [
          [server, "done"],
          [softly, "pending"]
        ] as const) {
          yield* put({ userId: "u", anonymousId: "a", email: "e@x.co", restore: true })
          const ids = [...(yield* ownIds), "a", "u"].toSorted()
          const erasure = yield* erasures.eraseByKeys({ userId: "u" }, eraser)
          assert.strictEqual(erasure.status, status)
          assert.deepStrictEqual(erasure.provider.distinctIds?.toSorted(), ids)
          assert.match(erasure.provider.reason, /by hand.*distinctIds/)
          assert.isNull((yield* receiptOf(erasure)).distinctIds)
          yield* waitOut
          assert.isNull((yield* receiptOf(erasure)).distinctIds)
          assert.match((yield* receiptOf(erasure)).reason, /by hand\.$/)
          const [kept] = yield* sql<{
            row: string
          }>`select e::text as row from hogsend.erasures e where id = ${erasure.id}`
          assert.notMatch(kept?.row ?? "", /[(,]"?[ua]"?[,)]/)
        }
        // Nothing is sent to it: nobody listens.
        yield* platform.can({ deletePerson: true })
        yield* put({ userId: "v" })
        assert.include((yield* erase(world, { userId: "v" })).provider.distinctIds ?? [], "v")
      })
    )
  }
)
