/** What stays of a failure that is told: its kind and its place, and nothing that it quotes. */
import { expect, it } from "@effect/vitest"
import { Cause, Effect, Schema } from "effect"
import { causeWithoutValues, withoutValues } from "../../src/Privacy/withoutValues.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { error: Schema.String }) {}

it("An error keeps its name, its code and its frames", () => {
  const quoting = new TypeError("Cannot use 'in' operator to search for 'x' in a secret\n    at a secret (a secret)")
  const told = withoutValues(Object.assign(quoting, { code: "ERR_INVALID" }))
  expect(told).toMatchObject({ name: "TypeError", message: "ERR_INVALID" })
  expect(told.stack).toMatch(/^TypeError: ERR_INVALID\n\s+at .*withoutValues\.test\.ts/)
  expect(String(told.stack)).not.toContain("a secret")
})

it("So do those in it, those that came as JSON, and what is no error at all", () => {
  const inner = JSON.parse(
    JSON.stringify({ name: "RangeError", message: "a secret", stack: "a secret\n    at f (/f.ts:1:2)" })
  )
  const told = withoutValues(new Error("a secret", { cause: inner }))
  expect(told.cause).toMatchObject({ name: "RangeError", stack: expect.stringMatching(/\n {4}at f \(\/f\.ts:1:2\)$/) })
  for (const thrown of ["a secret", { a: "secret" }, { name: "a secret of 2 words", code: "a secret" }, null]) {
    expect(withoutValues(thrown)).toMatchObject({ name: "Thrown", message: "its message is left out" })
  }
  expect(Cause.pretty(causeWithoutValues(Cause.fail(new Refused({ error: "a secret" }))))).toMatch(/^Refused/)
  expect(Cause.pretty(causeWithoutValues(Cause.die(told)))).not.toContain("secret")
})

it.effect("An interruption stays one", () =>
  Effect.sync(() => expect(Cause.hasInterruptsOnly(causeWithoutValues(Cause.interrupt(1)))).toBe(true))
)
