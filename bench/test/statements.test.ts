import { expect, it } from "vitest"
import { pgbenchScript } from "../src/ingest/pgbenchScript.ts"
import { filledIn, positional } from "../src/ingest/statements.ts"

it("a parameter that stands twice is one, and a cast is none", () => {
  expect(positional("select :one::text, :two, ':', :one")).toEqual({
    text: "select $1::text, $2, ':', $1",
    names: ["one", "two"]
  })
})

it("what has no expression stays as it is, and an expression is not looked into", () => {
  expect(filledIn("values (:one, :two, :three::int)", { one: ":two", three: "(1 + 2)" })).toBe(
    "values (:two, :two, (1 + 2)::int)"
  )
})

it("pgbench is told all of the peer's statements, with variables of its own only", () => {
  for (const table of ["identity_keys", "idempotency_keys", "contacts", "identity_ledger", "events"]) {
    expect(pgbenchScript).toContain(`hogsend.${table}`)
  }
  const set = [...pgbenchScript.matchAll(/\\set (\w+)/g)].map(([, name]) => name)
  const known = [...set, "key_id", "contact_id", "event_id", "unseen", "properties", "patch", "fingerprint"]
  const used = [...pgbenchScript.matchAll(/(?<!:):([a-z]\w*)/gi)].map(([, name]) => name)
  expect(used.filter((name) => !known.includes(name))).toEqual([])
})
