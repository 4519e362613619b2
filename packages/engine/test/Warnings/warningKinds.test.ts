/** Every code of a warning that the engine gives is declared, with what it means and what to do. */
import { Api, warningKind, warningKinds } from "@hogsend/core"
import { OpenApi } from "effect/http-api"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

const root = join(import.meta.dirname, "../../src")

/** What stands in quotes on a line that gives a `code`. */
const codesIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\bcode: (.*)/g)].flatMap(([, value = ""]) =>
    [...value.matchAll(/"([a-z_]+)"/g)].flatMap(([, code]) => code ?? [])
  )

const given = new Set(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => codesIn(readFileSync(join(root, file), "utf8")))
)

describe("The kinds of warnings", () => {
  it("are read off the engine", () => {
    expect([...given]).toEqual(expect.arrayContaining(["junk_key", "join_refused", "anonymous_not_joined"]))
    expect(given.size).toBeGreaterThanOrEqual(10)
  })

  it("have every code that the engine gives", () => {
    expect([...given].filter((code) => warningKind(code) === undefined)).toEqual([])
  })

  it("say what each means and what to do, and stand in the OpenAPI document", () => {
    const document = JSON.stringify(OpenApi.fromApi(Api))
    for (const [code, { hint, meaning }] of Object.entries(warningKinds)) {
      expect(meaning).toMatch(/^[^A-Z].*[^.]$/)
      expect(hint).toMatch(/^[A-Z].*\.$/)
      expect(document).toContain(`\`${code}\`: ${meaning}.`)
    }
  })

  it("know nothing of what only looks like a code", () => {
    expect(["toString", "__proto__", "", "no_such_code"].map(warningKind)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined
    ])
  })
})
