/** What a group holds, and in which order, while somebody else is at work. */
import { assert, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Fiber } from "effect"
import { openTransaction } from "../openTransaction.ts"
import { engineOn, names, server, storedEvents, violations } from "./engines.ts"
import { waiting } from "./holdUp.ts"

const operator = { name: "an operator", keyId: null }

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "30 seconds" })("What a group holds", (it) => {
  it.effect(
    "while it waits for an idempotency key, the new identity keys are free: they come later, as everywhere",
    () =>
      Effect.gen(function* () {
        const { url } = yield* TestDatabase.create
        const [ours, other] = [yield* engineOn(url), yield* engineOn(url)]
        const { sql } = other
        const claim = sql`
        insert into hogsend.idempotency_keys (scope, key, fingerprint, event_id)
        values ('server', 'k', 'f', gen_random_uuid())`
        const { rollback } = yield* Effect.provideService(openTransaction(claim), PgClient.PgClient, sql)
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

  it.effect("a key that leaves its contact before the lock is not written under without a hold", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.create
      const other = yield* engineOn(url)
      const steps: Array<readonly [moment: string, does: Effect.Effect<unknown, unknown>]> = []
      const ours = yield* engineOn(url, {
        transformer: (statement) => {
          const [next] = steps
          if (next === undefined || !statement.compile()[0].includes(next[0])) return Effect.succeed(statement)
          steps.shift()
          return Effect.as(
            Effect.promise(() => Effect.runPromise(next[1])),
            statement
          )
        }
      })
      yield* ours.send({ name: "before", userId: "u", anonymousId: "a" })
      steps.push(
        ["for no key update", other.resolver.split({ contact: "external:u", keys: ["anonymous:a"] }, operator)],
        ["insert into hogsend.events", other.erasures.eraseByKeys({ anonymousId: "a" }, server)]
      )
      const results = yield* ours.sendAll([
        { name: "writes", userId: "u", contactProperties: { n: 1 } },
        { name: "seen", anonymousId: "a" }
      ])
      assert.lengthOf(steps, 0)
      assert.deepStrictEqual(names(results), ["stored", "duplicate"])
      assert.deepStrictEqual(
        (yield* storedEvents(other)).map(({ name }) => name),
        ["before", "writes"]
      )
      assert.deepStrictEqual(yield* violations(other), [])
    })
  )
})
