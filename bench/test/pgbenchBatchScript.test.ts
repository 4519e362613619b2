import { expect, it } from "vitest"
import { pgbenchBatchScript, pgbenchBatchVariables } from "../src/ingest/pgbenchBatchScript.ts"

it("a batch names each of its events once, and its script no variable that nobody sets", () => {
  const { fresh, idempotent, known, properties } = pgbenchBatchVariables(20)
  expect(`${known}${fresh}`.match(/\d+/g)).toEqual(Array.from({ length: 20 }, (_, at) => String(at + 1)))
  expect(idempotent).toBe(`{${Array.from({ length: 20 }, (_, at) => at + 1).join(",")}}`)
  expect(JSON.parse(`[${properties.slice(1, -1)}]`)).toHaveLength(20)
  const set = ["random", "known_ids", "contact_ids", "fresh_ids", ...Object.keys(pgbenchBatchVariables(20))]
  const used = [...pgbenchBatchScript.matchAll(/(?<!:):([a-z]\w*)/gi)].map(([, name]) => name ?? "")
  expect(used.filter((name) => !set.includes(name))).toEqual([])
})
