import { describe, expect, it } from "vitest"
import { isEmpty, isWithoutTransaction } from "../../src/Migrations/migrationText.ts"

const customHeader = "-- Custom SQL migration file, put your code below! --"

describe("A migration's text", () => {
  it.each([
    ["-- no transaction\ncreate index concurrently a on t (a)", true],
    [`${customHeader}\n-- no transaction: it is large\nvacuum t`, true],
    ["/* -- no transaction */ create table t (a int)", false],
    ["create table t (a int);\n-- no transaction", false],
    ["-- there is no transaction here\ncreate table t (a int)", false],
    ['CREATE INDEX CONCURRENTLY "a" ON "t" ("a");', true],
    [`${customHeader}\n\ncreate unique index\n  concurrently a on t (a)`, true],
    ["drop index concurrently a", true],
    ["create index a on t (a)", false],
    ["create index concurrently_a on t (a)", false],
    ["create table t (a int);--> statement-breakpoint\ncreate index concurrently a on t (a)", false]
  ])("%j runs outside of a transaction: %s", (text, expected) => {
    expect(isWithoutTransaction(text)).toBe(expected)
  })

  it.each([
    ["", true],
    [" \n\t", true],
    [customHeader, true],
    [`${customHeader}\n--> statement-breakpoint\n/* later;\n -- */ -- or never`, true],
    ["/* one */ select 1", false],
    [`${customHeader}\nselect 1`, false],
    ["- select", false]
  ])("%j is empty: %s", (text, expected) => {
    expect(isEmpty(text)).toBe(expected)
  })

  it("of a million comments is judged all the same", () => {
    expect(isEmpty("-- a\n/* b */ ".repeat(1_000_000))).toBe(true)
  })
})
