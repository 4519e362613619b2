/** The lock order of the product: contacts by id, idempotency rows, identity keys by value, the rest. */
import { assert, layer } from "@effect/vitest"
import type { Caller } from "@hogsend/core"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import { EventIngest } from "../../src/EventIngest.ts"
import { newId } from "../../src/newId.ts"
import { Principals } from "../../src/Principals.ts"
import { RateLimits } from "../../src/RateLimits.ts"
import { UserTokens } from "../../src/UserTokens.ts"
import { Warnings } from "../../src/Warnings.ts"
import { openTransaction, somebodyWaits } from "../openTransaction.ts"
import { says } from "./assertions.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const secret = "a test secret that is long enough to sign tokens with"

const ingestLayer = EventIngest.layer().pipe(
  Layer.provideMerge(Layer.provide(Principals.layer, RateLimits.layer({ publishable: "off", keyless: "off" }))),
  Layer.provideMerge(Layer.mergeAll(Warnings.layer(), UserTokens.layer({ secrets: [Redacted.make(secret)] }))),
  Layer.provideMerge(resolverLayer({ maxConnections: 4 }))
)

const server: Caller["Service"] = { keyId: null, name: "a test", scopes: ["full-admin"], restricted: false }

/** What a request says to the database, in its order. */
const recording = () => {
  const statements: Array<string> = []
  const transformer: Transformer = (statement) => {
    statements.push(statement.compile()[0])
    return Effect.succeed(statement)
  }
  return { statements, transformer }
}

layer(ingestLayer, { excludeTestServices: true, timeout: "30 seconds" })("The lock order", (it) => {
  it.effect(
    "contacts are locked by id, whatever order they lie in: who waits for a low one does not hold a high one",
    () =>
      Effect.gen(function* () {
        const { clear, living, say, sql } = yield* makeSqlStore
        yield* clear
        for (const named of [{ userId: "u1" }, { anonymousId: "a1" }]) yield* say(says(named))
        const [low = "", high = ""] = (yield* living).map(({ id }) => id).toSorted()
        // Moved behind the high one in the table, which is small and so read from its start to its end.
        yield* sql`update hogsend.contacts set timezone = 'UTC' where id = ${low}`
        yield* sql`analyze hogsend.contacts`
        const lie = yield* sql<{ id: string }>`select id from hogsend.contacts`
        assert.deepStrictEqual(
          lie.map(({ id }) => id),
          [high, low]
        )

        const other = yield* openTransaction(sql`select from hogsend.contacts where id = ${low} for update`)
        const merging = yield* Effect.forkChild(say(says({ userId: "u1", anonymousId: "a1" })))
        yield* somebodyWaits
        const free = yield* sql`select from hogsend.contacts where id = ${high} for no key update skip locked`
        assert.lengthOf(free, 1, "the high one is not locked yet")
        yield* other.commit
        assert.lengthOf((yield* Fiber.join(merging)).changes.merged, 1)
      })
  )

  it.effect(
    "keys are claimed by value, whatever order they are named in: who waits for a low one has no high one",
    () =>
      Effect.gen(function* () {
        const { clear, living, say, sql } = yield* makeSqlStore
        yield* clear
        const claim = (value: string) => sql`
        insert into hogsend.identity_keys (id, kind, value, asserted_by)
        values (${newId()}, 'anonymous', ${value}, 'server')`
        const other = yield* openTransaction(claim("a1"))
        const { statements, transformer } = recording()
        const claiming = yield* say(says({ userId: "z1", anonymousId: "a1" })).pipe(
          Effect.provideService(CurrentTransformer, transformer),
          Effect.forkChild
        )
        yield* somebodyWaits
        const third = yield* openTransaction(Effect.andThen(sql`set local lock_timeout = '500ms'`, claim("z1"))).pipe(
          Effect.exit
        )
        assert.strictEqual(third._tag, "Success", "z1 is not claimed yet")
        if (third._tag === "Success") yield* third.value.rollback
        yield* other.rollback
        assert.lengthOf((yield* Fiber.join(claiming)).changes.linked, 2)
        assert.lengthOf(yield* living, 1)
        const claims = statements.filter((text) => text.includes("insert into hogsend.identity_keys"))
        assert.lengthOf(claims, 1)
        assert.include(claims[0], "order by value")
      })
  )

  it.effect.each([
    ["a new contact", { userId: "u1", email: "e1@x.co", anonymousId: "a1" }],
    ["a known contact with a new key", { userId: "known", anonymousId: "a1" }]
  ] as const)("an event of %s: contacts, then its idempotency key, then its identity keys, then the event", ([, who]) =>
    Effect.gen(function* () {
      const { clear, say } = yield* makeSqlStore
      const ingest = yield* EventIngest
      yield* clear
      yield* say(says({ userId: "known" }))
      const { statements, transformer } = recording()
      yield* ingest
        .ingest(server, { name: "n", ...who }, { userTokens: [], idempotencyKey: "once" })
        .pipe(Effect.provideService(CurrentTransformer, transformer))
      const steps = [
        "for no key update",
        "insert into hogsend.idempotency_keys",
        "insert into hogsend.identity_keys",
        "insert into hogsend.events"
      ]
      const taken = statements.flatMap((text) => steps.filter((step) => text.includes(step)))
      assert.deepStrictEqual(taken, who.userId === "known" ? steps : steps.slice(1))
    })
  )
})
