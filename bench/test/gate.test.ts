import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { gateWith } from "../src/gate.ts"

it.live(
  "gate lets every token in, and tells whose each is, ours and jose's",
  () =>
    Effect.gen(function* () {
      const { columns, rows } = yield* gateWith({ rounds: 1, forMillis: 20 })
      expect(rows).toHaveLength(5)
      for (const row of rows) {
        expect(row).toHaveLength(columns.length)
        expect(Number(row[1]?.replaceAll(",", ""))).toBeGreaterThan(0)
      }
    }),
  { timeout: 60_000 }
)
