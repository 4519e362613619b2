/** What a group holds, and in which order, while somebody else is at work. */
import { assert, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import type { EventDraft } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Fiber } from "effect"
import { openTransaction } from "../openTransaction.ts"
import {
  browser,
  codesOf,
  type Engine,
  engineOn,
  erase,
  names,
  propertiesOf,
  server,
  storedEvents,
  violations
} from "./engines.ts"
import { waiting } from "./holdUp.ts"

const operator = { name: "an operator", keyId: null }

const setup = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  return { ours: yield* engineOn(url), other: yield* engineOn(url) }
})

/** Somebody claims an idempotency key, and goes no further until it is rolled back. */
const claiming = ({ sql }: Engine, scope: string, key: string) =>
  Effect.provideService(
    openTransaction(sql`
      insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
      values (${scope}, ${key}, 'f', gen_random_uuid())`),
    PgClient.PgClient,
    sql
  )

/**
 * Sends a group whose statement has begun, and so has its snapshot, when somebody else does something: it waits for an
 * idempotency key meanwhile.
 */
const sendAcross = Effect.fnUntraced(function* (
  { other, ours }: Effect.Success<typeof setup>,
  meanwhile: Effect.Effect<unknown, unknown>,
  drafts: ReadonlyArray<EventDraft>,
  caller = server
) {
  const { rollback } = yield* claiming(other, caller === browser ? "browser:anonymous:x" : "server", "held")
  const waiter = { name: "waiter", anonymousId: "x", idempotencyKey: "held" }
  const sending = yield* Effect.forkChild(ours.sendAll([waiter, ...drafts], caller))
  yield* waiting(other, 1)
  yield* meanwhile
  yield* rollback
  const [, ...results] = yield* Fiber.join(sending)
  assert.deepStrictEqual(yield* violations(other), [])
  return results
})

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "30 seconds" })("What a group holds", (it) => {
  it.effect(
    "while it waits for an idempotency key, the new identity keys are free: they come later, as everywhere",
    () =>
      Effect.gen(function* () {
        const { other, ours } = yield* setup
        const { sql } = other
        const { rollback } = yield* claiming(other, "server", "k")
        const sending = yield* Effect.forkChild(ours.send({ name: "late", userId: "u", idempotencyKey: "k" }))
        yield* waiting(other, 1)
        const claimed = sql`
        insert into hogsend.identity_keys (id, kind, value, asserted_by, placed_at)
        values (gen_random_uuid(), 'external', 'u', 'server', hogsend.now()) returning id`.pipe(
          Effect.tap(() => Effect.fail("only tried" as const))
        )
        const trying = Effect.andThen(sql`set local lock_timeout = '2s'`, claimed)
        assert.strictEqual(yield* Effect.flip(sql.withTransaction(trying)), "only tried")
        yield* rollback
        assert.isTrue((yield* Fiber.join(sending)).stored)
        assert.deepStrictEqual(yield* violations(other), [])
      })
  )

  it.effect(
    "somebody else's contact is not waited for: whoever writes to it goes alone, and the others are stored",
    () =>
      Effect.gen(function* () {
        const { other, ours } = yield* setup
        const { sql } = other
        yield* ours.send({ name: "before", userId: "u" })
        const { commit } = yield* Effect.provideService(
          openTransaction(sql`select from hogsend.contacts for no key update`),
          PgClient.PgClient,
          sql
        )
        const sending = yield* Effect.forkChild(
          Effect.all(
            [
              ours.send({ name: "waits", userId: "u", contactProperties: { n: 1 } }),
              ours.send({ name: "neighbour", userId: "v" })
            ],
            { concurrency: 2 }
          )
        )
        const stored = Effect.map(storedEvents(other), (events) => events.map(({ name }) => name))
        yield* Effect.repeat(Effect.delay(stored, 5), { until: (names) => names.includes("neighbour"), times: 400 })
        assert.deepStrictEqual(yield* stored, ["before", "neighbour"])
        yield* commit
        yield* Fiber.join(sending)
        assert.deepStrictEqual(yield* propertiesOf(other, "u"), { n: 1 })
      })
  )
})

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "30 seconds" })(
  "What somebody else does while a group's statement waits",
  (it) => {
    const patch = { name: "patch", anonymousId: "a", contactProperties: { late: 1 } }

    it.effect("a contact that was changed is written to as it is then", () =>
      Effect.gen(function* () {
        const engines = yield* setup
        yield* engines.ours.send({ name: "before", anonymousId: "a", contactProperties: { of: "a" } })
        const theirs = engines.other.send({ name: "theirs", anonymousId: "a", contactProperties: { of: "them" } })
        const results = yield* sendAcross(engines, theirs, [patch])
        assert.deepStrictEqual(names(results), ["stored"])
        assert.deepStrictEqual(yield* propertiesOf(engines.other, "a"), { of: "them", late: 1 })
      })
    )

    it.effect("a contact that was merged away is written to where it went", () =>
      Effect.gen(function* () {
        const engines = yield* setup
        const { other, ours } = engines
        yield* ours.sendAll([
          { name: "one", userId: "u" },
          { name: "two", anonymousId: "a" }
        ])
        const merging = other.send({ name: "merges", userId: "u", anonymousId: "a" })
        const results = yield* sendAcross(engines, merging, [patch])
        assert.strictEqual(results[0]?.contactKey, "u")
        assert.deepStrictEqual(yield* propertiesOf(other, "u"), { late: 1 })
      })
    )

    it.effect("a key that left its contact is written under at its own", () =>
      Effect.gen(function* () {
        const engines = yield* setup
        const { other, ours } = engines
        yield* ours.send({ name: "before", userId: "u", anonymousId: "a" })
        const splitting = other.resolver.split({ contact: "external:u", keys: ["anonymous:a"] }, operator)
        const results = yield* sendAcross(engines, splitting, [patch])
        assert.strictEqual(results[0]?.contactKey, "a")
        assert.deepStrictEqual(yield* propertiesOf(other, "u"), {})
        assert.deepStrictEqual(yield* propertiesOf(other, "a"), { late: 1 })
      })
    )

    it.effect("a contact that was identified is not written to by a browser", () =>
      Effect.gen(function* () {
        const engines = yield* setup
        yield* engines.ours.send({ name: "seen", anonymousId: "a" }, browser)
        const identifying = engines.other.send({ name: "identifies", userId: "u", anonymousId: "a" })
        const results = yield* sendAcross(engines, identifying, [patch], browser)
        assert.deepStrictEqual(names(results), ["IdentityDenied"])
        assert.lengthOf(
          yield* engines.other.sql`select from hogsend.contacts where public_properties::text ~ 'late'`,
          0
        )
      })
    )

    it.effect.each([
      ["that says nothing of its person", {}],
      ["that says something of its person", { contactProperties: { late: 1 } }]
    ] as const)("an event %s is not stored when that was erased", ([, more]) =>
      Effect.gen(function* () {
        const engines = yield* setup
        const { other, ours } = engines
        yield* ours.send({ name: "before", userId: "u" })
        const results = yield* sendAcross(engines, erase(other, { userId: "u" }), [
          { name: "late", userId: "u", ...more },
          { name: "neighbour", userId: "v" }
        ])
        assert.deepStrictEqual(names(results), ["duplicate", "stored"])
        assert.sameMembers(
          (yield* storedEvents(other)).map(({ name }) => name),
          ["waiter", "neighbour"]
        )
      })
    )

    it.effect("a new key of somebody who came and was erased does not bring them back", () =>
      Effect.gen(function* () {
        const engines = yield* setup
        const { other } = engines
        const comeAndGo = Effect.andThen(other.send({ name: "came", userId: "u" }), erase(other, { userId: "u" }))
        const results = yield* sendAcross(engines, comeAndGo, [{ name: "late", userId: "u" }])
        assert.deepStrictEqual(names(results), ["duplicate"])
        assert.deepStrictEqual(results.map(codesOf), [["erased_person"]])
      })
    )
  }
)
