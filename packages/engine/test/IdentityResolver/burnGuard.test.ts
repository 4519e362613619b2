/** What the analytics provider is told ends as one person, in every order, however often it is delivered. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it as plain, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Alias, isNeedless, starOf, untoldAliases } from "../../src/IdentityResolver/burnGuard.ts"
import { contactKeyOf } from "../../src/IdentityResolver/snapshot.ts"
import { makePlatform } from "../analyticsPlatform.ts"
import { ConflictFree, componentsOf, says, shuffled } from "./assertions.ts"
import { roundsOf, runs, timeoutOfRounds } from "./depth.ts"
import { makeMemoryStore } from "./MemoryStore.ts"
import { tags } from "./setup.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

type Told = Pick<Alias, "alias" | "distinctId">

/** A provider as PostHog is: a merge of an identified source is blocked, and whatever was ever a target is identified. */
const makeProvider = () => {
  const parents = new Map<string, string>()
  const identified = new Set<string>()
  const person = (id: string): string => {
    const parent = parents.get(id)
    return parent === undefined ? id : person(parent)
  }
  return {
    person,
    merge: ({ alias, distinctId }: Told) => {
      const [source, target] = [person(alias), person(distinctId)]
      const blocked = source !== target && identified.has(source)
      identified.add(target)
      if (source !== target && !blocked) parents.set(source, target)
      return !blocked
    }
  }
}

/** Delivers everything, most of it more than once, in an order that the seed decides; answers what was blocked. */
const deliver = (told: ReadonlyArray<Told>, seed: number) => {
  const provider = makeProvider()
  const queue = shuffled([...told, ...told.filter((_, n) => (seed + n) % 3 > 0)], seed)
  return { person: provider.person, blocked: queue.filter((one) => !provider.merge(one)) }
}

describe("The provider of the model", () => {
  plain("blocks a merge whose source was a target before", () => {
    const provider = makeProvider()
    assert.isTrue(provider.merge({ alias: "a", distinctId: "b" }))
    assert.isFalse(provider.merge({ alias: "b", distinctId: "u" }))
    assert.notStrictEqual(provider.person("b"), provider.person("u"))
  })
})

layer(resolverLayer({ maxConnections: 4, analytics: makePlatform().layer }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("The burn guard", (it) => {
  it.effect.prop(
    "one person at the provider once the external id is known and everything is delivered, in every order",
    [ConflictFree, Seed],
    ([set, seed]) =>
      Effect.sync(() => {
        const store = makeMemoryStore()
        const [marks, shown] = [new Map<string, string>(), new Set<string>()]
        const told: Array<Told> = []
        const externals = new Set<string>()
        for (const named of shuffled(set, seed)) {
          const decision = store.assert(says(named))
          if (decision._tag !== "Resolved" || decision.contact === null) continue
          shown.add(contactKeyOf(decision.contact).contactKey)
          const { id, keys } = decision.contact
          const marked = keys.map((key) => ({ ...key, toldTo: marks.get(key.id) ?? null }))
          const isNew = tags(decision).includes("CreateContact")
          const star = starOf({ ...decision.contact, keys: marked }, { isNew, listens: true })
          for (const [keyId, toldTo] of star.marks) {
            assert.isFalse(marks.has(keyId), "no key is told twice")
            marks.set(keyId, toldTo)
          }
          for (const merge of star.merges) {
            if (merge.type !== "person.merge") return assert.fail(merge.type)
            assert.strictEqual(merge.contactId, id)
            const { alias, distinctId } = merge.data
            told.push({ alias, distinctId })
            externals.add(distinctId)
            const key = store.key({ kind: "external", value: alias })
            assert.include(["anonymous", "contact"], key?.kind, "what is told is no external id")
            assert.strictEqual(store.key({ kind: "external", value: distinctId })?.kind, "external")
          }
        }
        const { blocked, person } = deliver(told, seed)
        assert.deepStrictEqual(blocked, [])
        for (const external of externals) assert.strictEqual(person(external), external)
        for (const id of store.contactIds()) {
          const { keys } = store.contact(id)
          const [user] = keys.filter(({ kind }) => kind === "external")
          if (user === undefined) continue
          for (const { id, kind, value } of keys) {
            if (kind === "email" || kind === "history") continue
            // Nobody was ever told of what is marked and not told.
            if (marks.get(id) === id) assert.isFalse(shown.has(value), "it was a contact key")
            else assert.strictEqual(person(value), person(user.value), value)
          }
        }
        // Different people stay different.
        const { connected } = componentsOf(set)
        for (const one of externals) {
          for (const other of externals) {
            assert.isTrue(one === other || connected(one, other) || person(one) !== person(other))
          }
        }
      }),
    runs
  )

  plain("tells nothing without an external id, nor of emails, of history and of a second external id", () => {
    const store = makeMemoryStore()
    store.assert(says({ email: "e@x.co", anonymousId: "a" }))
    store.assert(says({ email: "e@x.co", anonymousId: "b" }))
    const contact = () => store.contactOf({ kind: "email", value: "e@x.co" })
    assert.deepStrictEqual(untoldAliases(contact() ?? { id: "", firstSeenAt: 0, keys: [] }), [])
    store.assert(says({ userId: "u", email: "e@x.co" }))
    const one = contact()
    if (one === undefined) return assert.fail("nobody")
    const [key] = one.keys
    const twin = { ...key!, id: "twin", kind: "external" as const, value: "v", firstAssertedAt: 1e9 }
    const past = { ...key!, id: "past", kind: "history" as const, value: "$past" }
    const told = untoldAliases({ ...one, keys: [...one.keys, twin, past] })
    assert.sameMembers([...new Set(told.map(({ distinctId }) => distinctId))], ["u"])
    assert.sameMembers(
      told.map(({ alias }) => alias),
      ["a", "b", one.id]
    )
    const marked = one.keys.map((one) => ({ ...one, toldTo: "somebody" }))
    assert.deepStrictEqual(untoldAliases({ ...one, keys: marked }), [])
  })

  const makeTeller = Effect.gen(function* () {
    const store = yield* makeSqlStore
    const sql = yield* PgClient.PgClient
    // A split forgets what was told of those whom it parts; this remembers.
    yield* sql`create table if not exists public.told (alias text, distinct_id text)`
    yield* sql`
        create or replace function public.remember() returns trigger language plpgsql as $$
        begin
          insert into public.told select data->>'alias', data->>'distinctId' from (select new.body::json->'data') t (data);
          return null;
        end $$`
    yield* sql`
        create or replace trigger remember after insert on hogsend.outbound_messages
        for each row when (new.type = 'person.merge') execute function public.remember()`
    const shown = new Set<string>()
    const tell = (named: Parameters<typeof says>[0]) =>
      Effect.tap(store.say(says(named)), ({ contactKey }) => Effect.sync(() => shown.add(contactKey)))
    const told = sql<Told>`select alias, distinct_id as "distinctId" from public.told`
    return { ...store, shown, tell, told, clear: Effect.andThen(store.clear, sql`truncate public.told`) }
  })

  const isOnce = (told: ReadonlyArray<Told>) =>
    assert.strictEqual(new Set(told.map(({ alias }) => alias)).size, told.length, "no key is told twice")

  it.effect.prop(
    "no key is told twice, also by requests that run at once and after splits and operators' merges",
    [ConflictFree, Seed],
    ([set, seed]) =>
      Effect.gen(function* () {
        const { clear, keys, resolver, shown, tell, told } = yield* makeTeller
        yield* clear
        const actor = { name: "an operator", keyId: null }
        // Every sentence twice, four requests at once.
        yield* Effect.forEach(shuffled([...set, ...set], seed), tell, { concurrency: 4 })
        const before = yield* told
        isOnce(before)
        const { blocked, person } = deliver(before, seed)
        assert.deepStrictEqual(blocked, [])
        const all = yield* keys
        for (const key of all) {
          const { contactId, kind, value } = key
          const user = all.find((key) => key.contactId === contactId && key.kind === "external")
          if (user === undefined || kind === "email") continue
          if (isNeedless(key)) assert.isFalse(shown.has(value), "it was a contact key")
          else assert.strictEqual(person(value), person(user.value), value)
        }

        // A key leaves a user, two users become one, and everybody is heard of again.
        const anonymous = all.find(({ contactId, kind }) => kind === "anonymous" && contactId !== null)
        if (anonymous !== undefined) {
          const name = `anonymous:${anonymous.value}`
          yield* Effect.ignore(resolver.split({ contact: name, keys: [name] }, actor))
        }
        const [survivor, twin] = all.filter(({ kind }) => kind === "external").map(({ value }) => `external:${value}`)
        if (survivor !== undefined && twin !== undefined) {
          yield* Effect.ignore(resolver.merge({ survivor, absorbed: twin }, actor))
        }
        yield* Effect.forEach(set, tell, { concurrency: 4 })
        const after = yield* told
        isOnce(after)
        const users = new Set(all.flatMap(({ kind, value }) => (kind === "external" ? [value] : [])))
        for (const { alias, distinctId } of after) {
          assert.isTrue(users.has(distinctId), "only an external id is ever a target")
          assert.isFalse(users.has(alias), "and none is ever a source")
        }
        assert.deepStrictEqual(deliver(after, seed).blocked, [])
      }),
    { arbitrary: { runs: roundsOf(40), size: 15 }, timeout: 2 * timeoutOfRounds }
  )

  it.effect("what was told is marked with whom it was told to join, and is never told again", () =>
    Effect.gen(function* () {
      const { clear, resolver, say, told } = yield* makeTeller
      yield* clear
      yield* say(says({ anonymousId: "a" }))
      const { contactId } = yield* say(says({ userId: "u", anonymousId: "a" }))
      const both = [contactId ?? "", "a"].map((alias) => ({ alias, distinctId: "u" }))
      assert.sameDeepMembers([...(yield* told)], both)
      yield* say(says({ userId: "u" }))
      yield* say(says({ userId: "u", anonymousId: "a" }))
      assert.lengthOf(yield* told, 2)
      assert.strictEqual((yield* resolver.explain("anonymous:a")).key.toldTo, "u")
      const outcome = yield* resolver.split({ contact: "u", keys: ["a"] }, { name: "an operator", keyId: null })
      assert.deepStrictEqual(outcome.providerMerged, [{ kind: "anonymous", value: "a" }])
      // Told once, whoever has it by then.
      yield* say(says({ userId: "v", anonymousId: "a" }))
      assert.deepStrictEqual((yield* told).slice(2), [{ alias: outcome.splitOff.id, distinctId: "v" }])
    })
  )
})
