/** What somebody else does at a known moment of a group: as if it had come before the group, or after it. */
import { assert, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Effect, Fiber } from "effect"
import { somebodyWaits } from "../openTransaction.ts"
import {
  browser,
  clear,
  codesOf,
  erase,
  names,
  propertiesOf,
  server,
  softly,
  storedEvents,
  violations
} from "./engines.ts"
import { holdUp, waiting } from "./holdUp.ts"
import { TwoEngines } from "./TwoEngines.ts"

const setup = Effect.gen(function* () {
  const engines = yield* TwoEngines
  yield* clear(engines.other)
  const waits = Effect.provideService(somebodyWaits, PgClient.PgClient, engines.other.sql)
  return { ...engines, waits }
})

const owners = (events: ReadonlyArray<{ readonly contactId: string | null }>) =>
  new Set(events.map(({ contactId }) => contactId)).size

layer(TwoEngines.layer, { excludeTestServices: true, timeout: "30 seconds" })("A group, and somebody else", (it) => {
  it.effect("who is faster with a new key has it, and both write to the same contact", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      const results = yield* before(
        "the claim of keys",
        other.send({ name: "theirs", userId: "u", contactProperties: { theirs: 1 } }),
        ours.sendAll([
          { name: "neighbour", userId: "v" },
          { name: "ours", userId: "u", contactProperties: { ours: 1 } }
        ])
      )
      assert.deepStrictEqual(names(results), ["stored", "stored"])
      assert.deepStrictEqual(yield* propertiesOf(ours, "u"), { theirs: 1, ours: 1 })
      assert.lengthOf(yield* storedEvents(ours), 3)
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )

  it.effect("when somebody else is faster with a key, those who name it keep their order", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      const drafts = Array.from({ length: 12 }, (_, n) => ({
        name: `n${n}`,
        anonymousId: "a",
        contactProperties: { n }
      }))
      const results = yield* before(
        "the claim of keys",
        other.send({ name: "theirs", anonymousId: "a" }),
        ours.sendAll(drafts)
      )
      assert.deepStrictEqual(
        names(results),
        drafts.map(() => "stored")
      )
      assert.deepStrictEqual(yield* propertiesOf(ours, "a"), { n: 11 })
    })
  )

  it.effect("nobody overtakes one who lost a key, whatever else they share", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      const results = yield* before(
        "the claim of keys",
        other.send({ name: "theirs", anonymousId: "a" }),
        ours.sendAll([
          { name: "neighbour", userId: "v" },
          { name: "first", userId: "u", anonymousId: "a", contactProperties: { n: 1 } },
          { name: "second", userId: "u", contactProperties: { n: 2 } },
          { name: "third", userId: "u", email: "e@x.co", contactProperties: { n: 3 } },
          { name: "fourth", email: "e@x.co", contactProperties: { n: 4 } }
        ])
      )
      assert.deepStrictEqual(
        names(results),
        results.map(() => "stored")
      )
      assert.deepStrictEqual(yield* propertiesOf(ours, "u"), { n: 4 })
      assert.strictEqual(owners(yield* storedEvents(ours)), 2)
    })
  )

  it.effect("a contact that is merged away before the lock is written to where it went", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      yield* ours.sendAll([
        { name: "one", userId: "u" },
        { name: "two", anonymousId: "a", contactProperties: { of: "a" } }
      ])
      const results = yield* before(
        "the lock",
        other.send({ name: "merges", userId: "u", anonymousId: "a" }),
        ours.sendAll([
          { name: "late", anonymousId: "a", contactProperties: { late: 1 } },
          { name: "later", anonymousId: "a", contactProperties: { late: 2 } }
        ])
      )
      assert.deepStrictEqual(names(results), ["stored", "stored"])
      assert.deepStrictEqual(
        results.map(({ contactKey }) => contactKey),
        ["u", "u"]
      )
      assert.deepStrictEqual(yield* propertiesOf(ours, "u"), { of: "a", late: 2 })
      assert.strictEqual(owners(yield* storedEvents(ours)), 1)
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )

  it.effect("a browser's patch is not written when its contact becomes identified before the lock", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      yield* ours.send({ name: "seen", anonymousId: "a", contactProperties: { color: "red" } }, browser)
      const results = yield* before(
        "the lock",
        other.send({ name: "identifies", userId: "u", anonymousId: "a" }),
        ours.sendAll(
          [
            { name: "patch", anonymousId: "a", contactProperties: { color: "blue", more: true } },
            { name: "follows", anonymousId: "a" },
            { name: "neighbour", anonymousId: "b" }
          ],
          browser
        )
      )
      assert.deepStrictEqual(names(results), ["IdentityDenied", "IdentityDenied", "stored"])
      assert.sameMembers(
        (yield* storedEvents(ours)).map(({ name }) => name),
        ["seen", "identifies", "neighbour"]
      )
      const rows = yield* ours.sql`select from hogsend.contacts where public_properties::text ~ 'blue|more'`
      assert.lengthOf(rows, 0)
    })
  )

  it.effect.each([
    ["hard, before the lock", "the lock", server, { contactProperties: { late: 1 } }],
    ["soft, before the lock", "the lock", softly, { contactProperties: { late: 1 } }],
    ["hard, before the hold of keys", "the hold of keys", server, {}]
  ] as const)("an erasure that is done %s leaves nothing for whoever is on their way", ([, moment, caller, more]) =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      yield* ours.sendAll([
        { name: "before", userId: "u", anonymousId: "a", contactProperties: { own: 1 } },
        { name: "neighbour", userId: "v" }
      ])
      const results = yield* before(
        moment,
        erase(other, { userId: "u" }, caller),
        ours.sendAll([
          { name: "late", userId: "u", ...more, idempotencyKey: "k1" },
          { name: "late too", anonymousId: "a", ...more, idempotencyKey: "k2" },
          { name: "neighbour again", userId: "v", ...more }
        ])
      )
      assert.deepStrictEqual(names(results), ["duplicate", "duplicate", "stored"])
      assert.deepStrictEqual(results.map(codesOf), [["erased_person"], ["erased_person"], []])
      assert.deepStrictEqual(yield* violations(ours), [])
      const late = yield* ours.sql`select name from hogsend.events where name like 'late%'`
      assert.lengthOf(late, 0)
      assert.lengthOf(yield* ours.sql`select from hogsend.idempotency_keys where key like '%k1' or key like '%k2'`, 0)
    })
  )

  it.effect("a soft deletion before the hold of keys hides what is on its way, with whom it belongs to", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      yield* ours.send({ name: "before", userId: "u" })
      yield* before("the hold of keys", erase(other, { userId: "u" }, softly), ours.send({ name: "late", userId: "u" }))
      const events = yield* storedEvents(ours)
      assert.isTrue(events.every(({ key }) => key.startsWith("$")))
      assert.strictEqual(owners(events), 1)
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )

  it.effect("a tombstone that appears before new keys are claimed holds", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* setup
      const comeAndGo = Effect.andThen(other.send({ name: "came", userId: "u" }), erase(other, { userId: "u" }))
      const results = yield* before(
        "the claim of keys",
        comeAndGo,
        ours.sendAll([
          { name: "late", userId: "u", contactProperties: { late: 1 } },
          { name: "neighbour", userId: "v" }
        ])
      )
      assert.deepStrictEqual(names(results), ["duplicate", "stored"])
      assert.deepStrictEqual(results.map(codesOf), [["erased_person"], []])
      assert.deepStrictEqual(
        (yield* storedEvents(ours)).map(({ name }) => name),
        ["neighbour"]
      )
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )

  it.effect.each([
    ["a patch", { contactProperties: { late: 1 } }],
    ["nothing but an event", {}],
    ["an idempotency key", { idempotencyKey: "once" }]
  ] as const)("an erasure that waits for a group takes what that brought: %s", ([, more]) =>
    Effect.gen(function* () {
      const { other, ours } = yield* setup
      yield* ours.send({ name: "before", userId: "u" })
      const release = yield* holdUp(ours, "late")
      const sending = yield* Effect.forkChild(ours.send({ name: "late", userId: "u", ...more }))
      yield* waiting(ours, 1)
      const erasing = yield* Effect.forkChild(erase(other, { userId: "u" }))
      yield* waiting(ours, 2)
      yield* release
      assert.isTrue((yield* Fiber.join(sending)).stored)
      yield* Fiber.join(erasing)
      assert.deepStrictEqual(yield* storedEvents(ours), [])
      assert.deepStrictEqual(yield* violations(ours), [])
      assert.lengthOf(yield* ours.sql`select from hogsend.contacts`, 0)
    }).pipe(Effect.scoped)
  )

  it.effect.each([
    ["a patch", { contactProperties: { late: 1 } }],
    ["nothing but an event", {}]
  ] as const)("a group that waits for an erasure brings nothing back: %s", ([, more]) =>
    Effect.gen(function* () {
      const { before, other, ours, waits } = yield* setup
      yield* other.send({ name: "before", userId: "u" })
      yield* other.send({ name: "before", userId: "v" })
      const late = other.sendAll([
        { name: "late", userId: "u", ...more },
        { name: "neighbour", userId: "v", ...more }
      ])
      const sending: Array<Promise<Effect.Success<typeof late>>> = []
      const begin = Effect.suspend(() => {
        sending.push(Effect.runPromise(late))
        return waits
      })
      yield* before("the burial", begin, erase(ours, { userId: "u" }))
      const [results = []] = yield* Effect.promise(() => Promise.all(sending))
      assert.deepStrictEqual(names(results), ["duplicate", "stored"])
      assert.deepStrictEqual(
        (yield* storedEvents(ours)).map(({ name }) => name),
        ["before", "neighbour"]
      )
      assert.deepStrictEqual(yield* violations(ours), [])
    })
  )

  it.effect("two groups that claim the same keys in opposite orders both end", () =>
    Effect.gen(function* () {
      const { other, ours } = yield* setup
      const drafts = (prefix: string) =>
        Array.from({ length: 40 }, (_, n) => ({ name: `${prefix}${n}`, userId: `u${n}` }))
      const sending = yield* Effect.forkChild(ours.sendAll(drafts("a")))
      const results = yield* other.sendAll(drafts("b").toReversed())
      for (const result of [...results, ...(yield* Fiber.join(sending))]) assert.strictEqual(result.status, "stored")
      assert.lengthOf(yield* ours.sql`select from hogsend.contacts`, 40)
      assert.lengthOf(yield* storedEvents(ours), 80)
    })
  )
})
