/** What a vendor is answered for the events of a webhook: a failure of ours is never a result, since then nobody sends again. */
import { assert, it } from "@effect/vitest"
import { DatabaseUnavailable, Overloaded, ReservedEventName } from "@hogsend/core"
import { Effect, Exit } from "effect"
import { toResults } from "../../src/EventIngest/batchAnswer.ts"

const stored = Exit.succeed({
  stored: true,
  exits: [],
  contactKey: "u",
  contactKeyKind: "external" as const,
  safeToIdentify: true
})
const refused = Exit.fail(new ReservedEventName({ error: "It is reserved." }))

it.effect("what is wrong with an event is its result, and spoils no other", () =>
  Effect.gen(function* () {
    const results = yield* toResults([stored, refused])
    assert.deepStrictEqual(
      results.map(({ error, status }) => error?._tag ?? status),
      ["stored", "ReservedEventName"]
    )
  })
)

it.effect("what failed on our side fails the whole, whatever became of the others", () =>
  Effect.gen(function* () {
    for (const failure of [DatabaseUnavailable.default, new Overloaded({ error: "Too many." })]) {
      assert.strictEqual(yield* Effect.flip(toResults([stored, Exit.fail(failure), refused])), failure)
    }
    assert.isTrue(Exit.hasDies(yield* Effect.exit(toResults([stored, Exit.die("a bug"), refused]))))
  })
)
