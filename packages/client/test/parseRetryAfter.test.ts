import { expect, it } from "@effect/vitest"
import { parseRetryAfter } from "../src/parseRetryAfter.ts"

it("Retry-After is a number of seconds or a date", () => {
  const now = Date.UTC(2026, 10, 22, 10)
  expect(parseRetryAfter("120", now)).toBe(120)
  expect(parseRetryAfter("Sun, 22 Nov 2026 10:01:30 GMT", now)).toBe(90)
  expect(parseRetryAfter("Sun, 22 Nov 2026 09:00:00 GMT", now)).toBe(0)
  for (const value of [null, "", "soon", "-"]) expect(parseRetryAfter(value, now)).toBeUndefined()
})
