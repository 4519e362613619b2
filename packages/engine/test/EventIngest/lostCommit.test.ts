/** A line that is cut while a group commits: every event is stored once, and its caller hears so. */
import { assert, layer } from "@effect/vitest"
import { DatabaseUnavailable } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Context, Effect, Exit, Fiber, Layer } from "effect"
import { CurrentTransformer } from "effect/sql/Statement"
import { Database } from "../../src/Database.ts"
import { interfere, once } from "../IdentityResolver/interfere.ts"
import { clear, engineOn, names, propertiesOf, storedEvents, violations } from "./engines.ts"
import { holdUp, waiting } from "./holdUp.ts"
import { proxyTo } from "./proxy.ts"
import { storeGroupOf, submission } from "./submission.ts"

const make = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  const line = yield* proxyTo(url)
  return { line, ours: yield* engineOn(line.url, { maxConnections: 4 }), near: yield* engineOn(url) }
})

class CutLine extends Context.Service<CutLine, Effect.Success<typeof make>>()("test/CutLine") {}

const drafts = [
  { name: "known", userId: "u", contactProperties: { n: 1 } },
  { name: "new", userId: "v", contactProperties: { n: 1 } },
  { name: "new with a key", userId: "w", idempotencyKey: "k1" },
  { name: "known with a key", userId: "u", contactProperties: { m: 2 }, idempotencyKey: "k2" },
  { name: "new by email", email: "e@x.co", idempotencyKey: "k3" }
]

layer(Layer.effect(CutLine, make), { excludeTestServices: true, timeout: "30 seconds" })("A lost connection", (it) => {
  const setup = Effect.gen(function* () {
    const { line, near, ours } = yield* CutLine
    yield* line.admit
    yield* clear(near)
    yield* near.send({ name: "before", userId: "u" })
    return { line, near, ours, cutsBefore: line.cuts() }
  })

  const checkStoredOnce = Effect.fnUntraced(function* (results: Parameters<typeof names>[0]) {
    const { near } = yield* CutLine
    assert.deepStrictEqual(
      names(results),
      drafts.map(() => "stored")
    )
    assert.sameMembers(
      (yield* storedEvents(near)).map(({ name }) => name),
      ["before", ...drafts.map(({ name }) => name)]
    )
    assert.deepStrictEqual(yield* propertiesOf(near, "u"), { n: 1, m: 2 })
    const [contact] = yield* near.sql<{ id: string }>`
      select contact_id as id from hogsend.identity_keys where value = 'e@x.co'`
    assert.strictEqual(results[4]?.contactKey, contact?.id)
    assert.lengthOf(yield* near.sql`select from hogsend.contacts`, 4)
    assert.deepStrictEqual(yield* violations(near), [])
  })

  it.effect("after the commit: nothing is stored twice, and all are told that they were stored", () =>
    Effect.gen(function* () {
      const { cutsBefore, line, ours } = yield* setup
      yield* line.cutNext("the answer is lost")
      yield* checkStoredOnce(yield* ours.sendAll(drafts))
      assert.strictEqual(line.cuts(), cutsBefore + 1)
    })
  )

  it.effect("after the commit of one that is stored alone: the same", () =>
    Effect.gen(function* () {
      const { cutsBefore, line, near, ours } = yield* setup
      yield* near.send({ name: "before too", anonymousId: "a" })
      const merges = { name: "merges", userId: "u", anonymousId: "a", contactProperties: { n: 1 }, idempotencyKey: "k" }
      // What is stored for one caller alone sees their transformer. Its group commits before it, and no event.
      const cut = () => Effect.runPromise(line.cutNext("the answer is lost"))
      const answer = yield* Effect.provideService(
        ours.send(merges),
        CurrentTransformer,
        interfere("insert into hogsend.events", once(cut))
      )
      assert.strictEqual(line.cuts(), cutsBefore + 1)
      assert.deepInclude(answer, { stored: true, contactKey: "u" })
      assert.lengthOf(yield* storedEvents(near), 3)
      assert.deepStrictEqual(yield* propertiesOf(near, "a"), { n: 1 })
      assert.deepStrictEqual(yield* violations(near), [])
    })
  )

  it.effect("during a commit that comes through while they are stored again: the same", () =>
    Effect.gen(function* () {
      const { cutsBefore, line, near, ours } = yield* setup
      const release = yield* holdUp(near, "known")
      yield* line.cutNext("the commit is on its way")
      const sending = yield* Effect.forkChild(ours.sendAll(drafts))
      // The first attempt stands still, and the second waits for its idempotency keys.
      yield* waiting(near, 2)
      assert.lengthOf(yield* storedEvents(near), 1, "the first attempt is not committed yet")
      yield* release
      yield* checkStoredOnce(yield* Fiber.join(sending))
      assert.strictEqual(line.cuts(), cutsBefore + 1)
    })
  )

  it.effect("for longer than it is waited for: all are refused as unavailable, and nothing is stored", () =>
    Effect.gen(function* () {
      const { line, near, ours } = yield* setup
      yield* line.refuse
      const group = drafts.map((draft) => submission(draft))
      const { alone, answers } = yield* Effect.provide(storeGroupOf(ours)(group), Database.timeouts({ timeout: 300 }))
      assert.deepStrictEqual(alone, [])
      assert.deepStrictEqual(
        group.map((one) => answers.get(one)),
        group.map(() => Exit.fail(DatabaseUnavailable.default))
      )
      assert.lengthOf(yield* storedEvents(near), 1)
      assert.deepStrictEqual(yield* violations(near), [])
    })
  )

  it.effect("that comes back in time: all are stored", () =>
    Effect.gen(function* () {
      const { line, ours } = yield* setup
      yield* line.refuse
      const sending = yield* Effect.forkChild(ours.sendAll(drafts))
      yield* line.turnsAway(2)
      yield* line.admit
      yield* checkStoredOnce(yield* Fiber.join(sending))
    })
  )
})
