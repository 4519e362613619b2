import { expect, it } from "vitest"
import { tableOf } from "../src/publish.ts"

it("names stand to the left, numbers to the right, under their columns", () => {
  const table = tableOf({
    columns: ["what", "ours"],
    rows: [
      ["a long name", "9"],
      ["b", "12,000/s"]
    ]
  })
  expect(table.split("\n")).toEqual([
    "what             ours",
    "---------------------",
    "a long name         9",
    "b            12,000/s"
  ])
})
