import { expect, it } from "@effect/vitest"
import { resolveAt } from "../src/resolve.ts"
import { Effect } from "effect"

it.live(
  "resolve runs every case at every size, and leaves whose the keys are as it was",
  () =>
    Effect.gen(function* () {
      const report = yield* resolveAt({ sizes: [10, 20], workers: [1, 3], rounds: 1, forMillis: 30, warmUpMillis: 5 })
      expect(report.columns).toHaveLength(7)
      expect(report.rows).toHaveLength(8)
      for (const row of report.rows) expect(Number(row[4])).toBeGreaterThan(0)
      expect(report.postgres).toMatch(/^\d+\.\d+/)
    }),
  { timeout: 60_000 }
)
