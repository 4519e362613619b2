/** Somebody else is faster: a request that finds its keys moved begins again, and twins store one event. */
import { assert, describe, layer } from "@effect/vitest"
import type { Caller, EventDraft } from "@hogsend/core"
import { Context, Effect, Layer, Redacted } from "effect"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import { EventIngest } from "../../src/EventIngest.ts"
import { Principals } from "../../src/Principals.ts"
import { RateLimits } from "../../src/RateLimits.ts"
import { UserTokens } from "../../src/UserTokens.ts"
import { Warnings } from "../../src/Warnings.ts"
import { says } from "./assertions.ts"
import { counting } from "./counting.ts"
import { interfere, once } from "./interfere.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const writers = 16

layer(resolverLayer({ maxConnections: 4 }), { excludeTestServices: true, timeout: "30 seconds" })(
  "IdentityResolver, when somebody else is faster",
  (it) => {
    const setup = Effect.gen(function* () {
      const store = yield* makeSqlStore
      yield* store.clear
      // Outside of the request's fiber, and so of its transaction.
      const run = Effect.runPromiseWith(Context.empty())
      const { counts, transformer: count } = counting()
      const during = <A, E>(request: Effect.Effect<A, E>, interference: Transformer) =>
        Effect.provideService(request, CurrentTransformer, (statement, sql, fiber, span) =>
          Effect.andThen(count(statement, sql, fiber, span), interference(statement, sql, fiber, span))
        )
      /** Until somebody waits for a lock. */
      const blocked: Effect.Effect<void> = Effect.gen(function* () {
        for (;;) {
          const waiting = yield* store.sql`
            select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
          if (waiting.length > 0) return
          yield* Effect.sleep(5)
        }
      }).pipe(Effect.timeout(4000), Effect.orDie)
      const idOf = (value: string) =>
        Effect.map(store.resolver.lookup({ kind: value.includes("@") ? "email" : "external", value }), (found) => {
          if (found === null || found.contactId === null) throw new Error(`Nobody holds ${value}`)
          return found.contactId
        })
      return { ...store, run, during, counted: count, counts, blocked, idOf }
    })

    it.effect("a contact that is merged away between the reading and the lock: the event is its survivor's", () =>
      Effect.gen(function* () {
        const { counts, during, idOf, ownerOfEvent, run, say } = yield* setup
        yield* say(says({ userId: "u1" }))
        yield* say(says({ anonymousId: "a1" }))
        const merge = once(() => run(say(says({ userId: "u1", anonymousId: "a1" }))))
        const { eventId } = yield* during(say(says({ anonymousId: "a1" })), interfere("for no key update", merge))
        assert.strictEqual(yield* ownerOfEvent(eventId), yield* idOf("u1"))
        assert.deepInclude(counts, { attempts: 2, globalLocks: 0 })
      })
    )

    it.effect("a key that joins a locked contact meanwhile is seen by the second reading", () =>
      Effect.gen(function* () {
        const { counts, during, living, run, say } = yield* setup
        yield* say(says({ userId: "u1" }))
        const link = once(() => run(say(says({ userId: "u1", email: "e1@x.co", anonymousId: "a1" }))))
        const refused = yield* during(
          say(says({ userId: "u1", email: "e1@x.co", anonymousId: "a1" })),
          interfere("for no key update", link)
        )
        assert.deepStrictEqual(refused.changes.linked, [])
        assert.lengthOf(yield* living, 1)
        assert.strictEqual(counts.attempts, 1)
      })
    )

    it.effect("a merge waits for who holds one of its contacts, and takes along what they wrote", () =>
      Effect.gen(function* () {
        const { blocked, contact, idOf, resolver, run, say } = yield* setup
        yield* say(says({ userId: "u1" }))
        yield* say(says({ anonymousId: "a1" }))
        const absorbed = yield* idOf("a1")
        let merging: Promise<unknown> = Promise.resolve()
        const work = {
          occurredAt: new Date(),
          properties: { late: true },
          write: () =>
            Effect.promise(() => {
              merging = run(say(says({ userId: "u1", anonymousId: "a1" })))
              return run(blocked)
            })
        }
        yield* resolver.resolve(
          says({ anonymousId: "a1" }),
          { actor: { name: "a test", keyId: null }, source: "api" },
          work
        )
        yield* Effect.promise(() => merging)
        assert.deepStrictEqual((yield* contact(yield* idOf("u1"))).visible, { late: true })
        assert.strictEqual((yield* contact(absorbed)).mergedInto, yield* idOf("u1"))
      })
    )

    it.effect("a key that somebody else claims first: again, and joined to what it is now", () =>
      Effect.gen(function* () {
        const { counts, during, idOf, living, run, say } = yield* setup
        const claim = once(() => run(say(says({ anonymousId: "a1" }))))
        yield* during(
          say(says({ userId: "u1", anonymousId: "a1" })),
          interfere("insert into hogsend.identity_keys", claim)
        )
        assert.strictEqual(yield* idOf("a1"), yield* idOf("u1"))
        assert.lengthOf(yield* living, 1)
        assert.strictEqual(counts.attempts, 2)
      })
    )

    it.effect.each([
      ["linked", { email: "e1@x.co", anonymousId: "a1" }],
      ["promoted", { userId: "a1", email: "e1@x.co" }]
    ] as const)("a free key that somebody else takes before it is %s: again", ([, named]) =>
      Effect.gen(function* () {
        const { counts, during, idOf, living, run, say } = yield* setup
        yield* say(says({ anonymousId: "a1" }, { vouchedBy: "public", observesOnly: true }))
        const take = once(() => run(say(says({ email: "e2@x.co", anonymousId: "a1" }))))
        const resolution = yield* during(say(says(named)), interfere("update hogsend.identity_keys", take))
        const joined = "userId" in named
        assert.deepStrictEqual(
          resolution.changes.refused.map(({ rule }) => rule),
          joined ? [] : ["two_emails"]
        )
        assert.strictEqual(yield* idOf("a1"), yield* idOf("e2@x.co"))
        assert.lengthOf(yield* living, joined ? 1 : 2)
        assert.strictEqual(counts.attempts, 2)
      })
    )

    it.effect("an observed visitor who becomes somebody meanwhile: again, and what comes in is refused", () =>
      Effect.gen(function* () {
        const { counts, during, run, say, sql } = yield* setup
        const observed = { vouchedBy: "public", observesOnly: true } as const
        const { eventId } = yield* say(says({ anonymousId: "a1" }, observed))
        const join = once(() => run(say(says({ userId: "u1", anonymousId: "a1" }))))
        const refused = yield* during(
          Effect.flip(say(says({ anonymousId: "a1" }, observed))),
          interfere("for key share", join)
        )
        assert.strictEqual(refused._tag, "IdentityDenied")
        assert.strictEqual(counts.attempts, 2)
        const events = yield* sql`select from hogsend.events where id <> ${eventId} and vouched_by = 'public'`
        assert.lengthOf(events, 0)
      })
    )

    it.effect("who loses nine times takes the global lock, once, and lands", () =>
      Effect.gen(function* () {
        const { counts, during, idOf, ownerOfEvent, run, say } = yield* setup
        const day = (n: number) => new Date(Date.UTC(2026, 0, n))
        for (let n = 9; n >= 0; n--) yield* say(says({ anonymousId: `a${n}` }), { occurredAt: day(n + 1) })
        yield* say(says({ email: "e1@x.co", anonymousId: "a9" }))
        const ids = yield* Effect.forEach(Array.from({ length: 10 }), (_, n) => idOf(`a${n}`))
        // The contact that was just read is merged into the next older one, nine times.
        const merge = (nth: number) =>
          nth > 8
            ? Promise.resolve()
            : run(say(says({ userId: ids[9 - nth], anonymousId: `a${8 - nth}` }), { occurredAt: day(20) }))
        const { eventId } = yield* during(say(says({ email: "e1@x.co" })), interfere("for no key update", merge))
        assert.strictEqual(yield* ownerOfEvent(eventId), ids[0])
        assert.deepInclude(counts, { attempts: 10, globalLocks: 1 })
      })
    )

    it.effect("a look-up sees a merge whole or not at all", () =>
      Effect.gen(function* () {
        const { idOf, resolver, run, say } = yield* setup
        yield* say(says({ userId: "u1" }))
        yield* say(says({ anonymousId: "a1" }))
        const merge = (nth: number) =>
          nth === 0 ? Promise.resolve() : run(say(says({ userId: "u1", anonymousId: "a1" })))
        const found = yield* Effect.provideService(
          resolver.lookup({ kind: "anonymous", value: "a1" }),
          CurrentTransformer,
          interfere("hogsend.identity_keys", merge)
        )
        assert.strictEqual(found?.contactKey, found?.contactId === (yield* idOf("u1")) ? "u1" : "a1")
      })
    )

    it.effect("a deadlock over two observed keys that name each other is tried again", () =>
      Effect.gen(function* () {
        const { blocked, counted, counts, during, idOf, run, say } = yield* setup
        const observed = { vouchedBy: "public", observesOnly: true } as const
        for (const anonymousId of ["k1", "k2"]) yield* say(says({ anonymousId }, observed))
        let other: Promise<unknown> = Promise.resolve()
        const cross = once(() => {
          const crossing = say(says({ userId: "k2", anonymousId: "k1" }))
          other = run(Effect.provideService(crossing, CurrentTransformer, counted))
          return run(blocked)
        })
        yield* during(
          say(says({ userId: "k1", anonymousId: "k2" })),
          interfere("and contact_id is null returning", cross)
        )
        yield* Effect.promise(() => other)
        assert.notStrictEqual(yield* idOf("k1"), yield* idOf("k2"))
        assert.isAtLeast(counts.attempts, 3)
      })
    )
  }
)

const secret = "a test secret that is long enough to sign tokens with"

const ingestLayer = EventIngest.layer().pipe(
  Layer.provideMerge(Layer.provide(Principals.layer, RateLimits.layer({ publishable: "off", keyless: "off" }))),
  Layer.provideMerge(Layer.mergeAll(Warnings.layer(), UserTokens.layer({ secrets: [Redacted.make(secret)] }))),
  Layer.provideMerge(resolverLayer({ maxConnections: writers + 2 }))
)

describe("EventIngest", () => {
  layer(ingestLayer, { excludeTestServices: true, timeout: "30 seconds" })("twins", (it) => {
    const server: Caller["Service"] = { keyId: null, name: "a test", scopes: ["full-admin"], restricted: false }
    const browser: Caller["Service"] = { keyId: null, name: "a test", scopes: ["ingest-public"], restricted: true }

    it.effect.each<readonly [string, Caller["Service"], EventDraft]>([
      ["of a new contact", server, { name: "n", userId: "u1", email: "e1@x.co", anonymousId: "a1" }],
      ["of a known contact", server, { name: "n", userId: "known", contactProperties: { plan: "paid" } }],
      ["that merge two contacts", server, { name: "n", userId: "known", anonymousId: "other" }],
      ["of an observed visitor", browser, { name: "n", anonymousId: "visitor" }]
    ])("16 at once %s store one event", ([, caller, draft]) =>
      Effect.gen(function* () {
        const { clear, living, say, sql } = yield* makeSqlStore
        const ingest = yield* EventIngest
        for (let round = 0; round < 5; round++) {
          yield* clear
          yield* say(says({ userId: "known" }))
          yield* say(says({ anonymousId: "other" }))
          const twins = Array.from({ length: writers }, () =>
            ingest.ingest(caller, draft, { userTokens: [], idempotencyKey: "once" })
          )
          const answers = yield* Effect.all(twins, { concurrency: "unbounded" })
          assert.lengthOf(
            answers.filter(({ stored }) => stored),
            1
          )
          assert.strictEqual(new Set(answers.map(({ contactKey }) => contactKey)).size, 1)
          assert.lengthOf(yield* sql`select id from hogsend.events where name = 'n'`, 1)
          assert.isAtMost((yield* living).length, 3)
        }
      })
    )
  })
})
