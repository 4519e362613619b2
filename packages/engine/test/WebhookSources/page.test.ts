/** The example of `docs/sources.md` is the module beside this file, which compiles, and does what the page says. */
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { forms } from "./forms.ts"
import { saying } from "./saying.ts"

const root = join(import.meta.dirname, "../../../..")

it("The page shows the module as it is", () => {
  const page = readFileSync(join(root, "docs/sources.md"), "utf8")
  const [, shown] = /```ts\n([^]*?)```/.exec(page) ?? []
  expect(shown).toBe(readFileSync(join(import.meta.dirname, "forms.ts"), "utf8"))
})

it.effect("It makes an event of a form of somebody's, and skips the others", () =>
  Effect.gen(function* () {
    const form = { id: "f_1", filledAt: "2026-11-22T10:00:00Z", user: "u_1", answers: { plan: "pro" } }
    expect(yield* saying(forms("s"), form)).toEqual([
      {
        name: "form.filled",
        userId: "u_1",
        eventProperties: { plan: "pro" },
        timestamp: "2026-11-22T10:00:00Z",
        idempotencyKey: "f_1"
      }
    ])
    expect(yield* saying(forms("s"), { ...form, user: null })).toEqual([])
  })
)
