/** Counts what resolutions change: pure bookkeeping, after the commit. */
import { Effect } from "effect"
import { Metrics } from "../Metrics.ts"
import type { Changes } from "./applySteps.ts"

export const makeCountChanges = Effect.gen(function* () {
  const changed = yield* Metrics.counter("hogsend_identity_changes_total")
  const refused = yield* Metrics.counter("hogsend_identity_refused_total")
  const [created, linked, merged] = [changed("created"), changed("linked"), changed("merged")]
  const denied = refused("denied")
  return {
    changes: (changes: Changes): void => {
      if (changes.created.length > 0) created(changes.created.length)
      if (changes.linked.length > 0) linked(changes.linked.length)
      if (changes.merged.length > 0) merged(changes.merged.length)
      for (const { rule } of changes.refused) refused(rule)(1)
    },
    /** A request that was refused as a whole. */
    denied: (): void => denied(1)
  }
})
