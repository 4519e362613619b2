/** Counts what requests cost, by looking at their statements. */
import { Effect } from "effect"
import type { Transformer } from "effect/sql/Statement"

/** How often each path was taken: an attempt is one reading under the lock. */
export const counting = () => {
  const counts = { calls: 0, attempts: 0, globalLocks: 0 }
  const transformer: Transformer = (statement) => {
    const [text] = statement.compile()
    if (text.includes("hogsend.now()) * 1000000)::float8 as now")) counts.attempts += 1
    if (text.includes("pg_advisory_xact_lock")) counts.globalLocks += 1
    return Effect.succeed(statement)
  }
  return { counts, transformer }
}
