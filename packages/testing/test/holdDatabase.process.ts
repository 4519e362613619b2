/** A process that uses a test database without any set-up, says which, and holds it until it is told to end or is killed. */
import { TestDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { once } from "node:events"

const hold = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  console.log(url)
  yield* Effect.promise(() => once(process.stdin.resume(), "end"))
})

await Effect.runPromise(Effect.scoped(hold))
