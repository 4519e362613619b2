import { expect, it } from "vitest"
import { RecentIds } from "../../src/effect/RecentIds.ts"

it("knows an id again until as many others have come as it remembers", () => {
  const recent = new RecentIds(3)
  expect(["a", "b", "a", "c"].map((id) => recent.add(id))).toEqual([true, true, false, true])
  expect(recent.last).toBe("c")
  expect(recent.add("d")).toBe(true)
  expect(["b", "c", "d"].map((id) => recent.add(id))).toEqual([false, false, false])
  expect(recent.add("a")).toBe(true)
})
