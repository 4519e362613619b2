/** The resolver tells the analytics provider which keys are one person, wherever keys come together. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { listen, makePlatform, mergeOf, merges, toldOf } from "../analyticsPlatform.ts"
import { type Named, says } from "./assertions.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const actor = { name: "an operator", keyId: null }
const platform = makePlatform()
const nobodyListens = { identityMerge: false } as const

layer(resolverLayer({ maxConnections: 6, analytics: platform.layer }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("What the analytics provider is told of identities", (it) => {
  const setup = Effect.gen(function* () {
    const store = yield* makeSqlStore
    yield* store.clear
    yield* store.sql`delete from hogsend.endpoints`
    yield* platform.can({ identityMerge: true, personWrites: true })
    const { resolver, say } = store
    return {
      ...store,
      /** Answers the contact's id. */
      put: (named: Named) => Effect.map(say(says(named)), ({ contactId }) => contactId ?? "nobody"),
      merge: (survivor: string, absorbed: string) => resolver.merge({ survivor, absorbed }, actor),
      split: (contact: string, ...keys: ReadonlyArray<string>) => resolver.split({ contact, keys }, actor),
      toldTo: (key: string) => Effect.map(resolver.explain(key), (found) => found.key.toldTo),
      /** What is told by it, and by nothing before. */
      tells: Effect.fnUntraced(function* <A, E, R>(doing: Effect.Effect<A, E, R>) {
        const before = new Set((yield* toldOf("person.merge")).map(({ id }) => id))
        yield* doing
        const after = yield* toldOf("person.merge")
        return after.flatMap((one) => (before.has(one.id) ? [] : [mergeOf(one)])).toSorted()
      })
    }
  })

  it.effect(
    "is nothing without an external id, and every other key once there is one, as messages of that contact",
    () =>
      Effect.gen(function* () {
        const { put, sql, tells } = yield* setup
        const endpoint = yield* listen
        const id = yield* put({ email: "e@x.co", anonymousId: "a" })
        yield* put({ email: "e@x.co", anonymousId: "b" })
        assert.deepStrictEqual(yield* merges, [])
        const told = yield* tells(put({ userId: "u", email: "e@x.co" }))
        assert.deepStrictEqual(told, [`${id} -> u`, "a -> u", "b -> u"].toSorted())
        assert.deepStrictEqual(yield* tells(put({ userId: "u", anonymousId: "c" })), ["c -> u"])
        const messages = yield* toldOf("person.merge")
        assert.deepStrictEqual(new Set(messages.map(({ contactId }) => contactId)), new Set([id]))
        const deliveries =
          yield* sql`select from hogsend.deliveries where endpoint_id = ${endpoint} and contact_id = ${id}`
        assert.lengthOf(deliveries, 4)
      })
  )

  it.effect("leaves out the own id of a contact that had an external id from its first moment, for ever", () =>
    Effect.gen(function* () {
      const { keys, put, sql, tells, toldTo } = yield* setup
      const id = yield* put({ userId: "u", anonymousId: "a" })
      assert.deepStrictEqual(yield* merges, ["a -> u"])
      assert.deepStrictEqual(yield* tells(put({ userId: "u", anonymousId: "b" })), ["b -> u"])
      assert.strictEqual(yield* toldTo("anonymous:a"), "u")
      assert.isNull(yield* toldTo(`contact:${id}`))
      const own = (yield* keys).find(({ value }) => value === id)
      assert.strictEqual(own?.toldTo, own?.id)
      assert.lengthOf(yield* sql`select from hogsend.identity_keys where value = ${id} and told_at is not null`, 1)
    })
  )

  it.effect.each([{ identityMerge: false }, { personWrites: false }])(
    "is nothing as long as it cannot hear it, %j, and all of it when the contact is touched later",
    (cannot) =>
      Effect.gen(function* () {
        const { keys, put, tells } = yield* setup
        yield* platform.can(cannot)
        const id = yield* put({ anonymousId: "a" })
        yield* put({ userId: "u", anonymousId: "a" })
        yield* put({ userId: "v", anonymousId: "b" })
        assert.deepStrictEqual(yield* merges, [])
        assert.isTrue((yield* keys).every(({ id, toldTo }) => toldTo === null || toldTo === id))
        yield* platform.can({ identityMerge: true, personWrites: true })
        assert.deepStrictEqual(yield* tells(put({ userId: "u" })), [`${id} -> u`, "a -> u"].toSorted())
        assert.deepStrictEqual(yield* tells(put({ userId: "v" })), ["b -> v"])
        assert.deepStrictEqual(yield* tells(put({ userId: "u", anonymousId: "a" })), [])
      })
  )

  it.effect("is told of an operator's merge, too, but of two external ids: that is a residual twin, and said so", () =>
    Effect.gen(function* () {
      const { ledger, merge, put, resolver, split, tells } = yield* setup
      const u = yield* put({ userId: "u" })
      const a = yield* put({ anonymousId: "a" })
      assert.deepStrictEqual(yield* tells(merge("external:u", "anonymous:a")), [`${a} -> u`, "a -> u"].toSorted())
      assert.deepStrictEqual(yield* tells(put({ userId: "u", anonymousId: "a" })), [])
      yield* platform.can(nobodyListens)
      yield* put({ userId: "v", anonymousId: "b" })
      yield* platform.can({ identityMerge: true })
      const dryRun = resolver.merge({ survivor: "external:u", absorbed: "external:v", dryRun: true }, actor)
      assert.deepStrictEqual(yield* tells(dryRun), [])
      const told = yield* tells(
        Effect.map(merge("external:u", "external:v"), ({ residualTwin }) => assert.strictEqual(residualTwin, "v"))
      )
      assert.deepStrictEqual(told, ["b -> u"])
      const twins = (yield* ledger(u)).filter(({ action }) => action === "residual_twin")
      assert.lengthOf(twins, 1)
      const { history } = yield* resolver.explain("external:v")
      const entry = history.find(({ action }) => action === "residual_twin")
      assert.match(entry?.says ?? "", /second external id/)
      // Neither later.
      assert.deepStrictEqual(yield* tells(Effect.andThen(put({ userId: "u" }), put({ userId: "v" }))), [])
      yield* split("external:u", "external:v", "anonymous:b")
      assert.deepStrictEqual(yield* tells(put({ userId: "v", anonymousId: "b" })), [])
    })
  )

  it.effect("is told what a split gives back, as far as it never was", () =>
    Effect.gen(function* () {
      const { keys, merge, put, split, tells } = yield* setup
      yield* platform.can(nobodyListens)
      yield* put({ userId: "u", anonymousId: "a" })
      yield* put({ userId: "v", anonymousId: "b" })
      yield* merge("external:u", "external:v")
      yield* platform.can({ identityMerge: true })
      assert.deepStrictEqual(yield* tells(split("external:u", "external:v", "anonymous:b")), ["a -> u", "b -> v"])

      // A new contact for a user: its own id was never anybody's.
      yield* put({ userId: "w" })
      yield* merge("external:u", "external:w")
      yield* put({ userId: "u", anonymousId: "c" })
      let id = ""
      const parting = Effect.map(split("external:u", "external:w", "anonymous:c"), ({ splitOff }) => (id = splitOff.id))
      assert.deepStrictEqual(yield* tells(parting), [])
      const own = (yield* keys).find(({ value }) => value === id)
      assert.strictEqual(own?.toldTo, own?.id)
    })
  )

  it.effect("is told the own id of a contact that lost its external id to a split, once it has one again", () =>
    Effect.gen(function* () {
      const { put, split, tells } = yield* setup
      const id = yield* put({ userId: "u", email: "e@x.co" })
      assert.deepStrictEqual(yield* tells(split(`contact:${id}`, "external:u")), [])
      assert.deepStrictEqual(yield* tells(put({ email: "e@x.co" })), [])
      assert.deepStrictEqual(yield* tells(put({ userId: "v", email: "e@x.co" })), [`${id} -> v`])
    })
  )

  it.effect("waits over a split with the contact that the id is of, and other things are forgotten", () =>
    Effect.gen(function* () {
      const { put, split, sql } = yield* setup
      yield* listen
      yield* put({ userId: "u", anonymousId: "a" })
      yield* put({ userId: "u", anonymousId: "b" })
      yield* sql`update hogsend.deliveries set status = 'delivered' where message_id in (
        select id from hogsend.outbound_messages where strpos(body, '"b"') > 0)`
      const { contact, splitOff } = yield* split("external:u", "external:u", "anonymous:a")
      const left = yield* sql<{ type: string; message: string; delivery: string }>`
        select type, m.contact_id as message, d.contact_id as delivery
        from hogsend.outbound_messages m join hogsend.deliveries d on d.message_id = m.id`
      assert.deepStrictEqual(left, [{ type: "person.merge", message: splitOff.id, delivery: splitOff.id }])
      assert.notStrictEqual(contact.id, splitOff.id)
    })
  )

  it.effect("is told once of each alias by many writers at once", () =>
    Effect.gen(function* () {
      const { put } = yield* setup
      const devices = Array.from({ length: 8 }, (_, n) => `a${n}`)
      yield* put({ email: "e@x.co", anonymousId: "a0" })
      const all = devices.flatMap((anonymousId) => [
        put({ userId: "u", anonymousId }),
        put({ email: "e@x.co", anonymousId }),
        put({ userId: "u", email: "e@x.co" })
      ])
      yield* Effect.all([...all, ...all], { concurrency: 6 })
      const told = yield* merges
      assert.deepStrictEqual(
        told.filter((one) => /^a\d/.test(one)).toSorted(),
        devices.map((one) => `${one} -> u`)
      )
      assert.strictEqual(new Set(told).size, told.length)
    })
  )
})
