/** The example of `docs/destinations.md` is the module beside this file, which compiles, and does what the page says. */
import { expect, it } from "@effect/vitest"
import type { OutboundEnvelope } from "@hogsend/core"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { identifierNames } from "../../src/Destinations/withoutIdentifiers.ts"
import { crm } from "./crm.ts"

const root = join(import.meta.dirname, "../../../..")

const envelope = (type: OutboundEnvelope["type"], data: OutboundEnvelope["data"]): OutboundEnvelope => ({
  id: "msg_01a2045d-35ec-7000-ad74-f115531a3c13",
  type,
  timestamp: "2026-11-22T17:45:47.244Z",
  data: { contactKeyKind: "external", userId: "u/1", ...data }
})

const silent = () => undefined
const logger = { debug: silent, info: silent, warn: silent, error: silent }

const transform = (given: OutboundEnvelope, config: { readonly token?: string } = { token: "t0ken" }) =>
  crm.transform(given, { endpoint: { id: "e", url: null, config }, installationId: "i", logger })

it("The page shows the module as it is", () => {
  const page = readFileSync(join(root, "docs/destinations.md"), "utf8")
  const [, shown] = /```ts\n([^]*?)```/.exec(page) ?? []
  expect(shown).toBe(readFileSync(join(import.meta.dirname, "crm.ts"), "utf8"))
})

it("The page lists the names of what is never told", () => {
  const page = readFileSync(join(root, "docs/destinations.md"), "utf8")
  const [, listed = ""] = /`User ID`\): ([^]*?)\. A property/.exec(page) ?? []
  const names = [...listed.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name.toLowerCase())
  expect(names.toSorted()).toEqual([...identifierNames].toSorted())
})

it("It makes a request of what the CRM wants, skips what it does not, and throws without its token", () => {
  expect(transform(envelope("contact.updated", { properties: { plan: "pro" } }))).toEqual({
    url: "https://crm.example.com/people/u%2F1",
    method: "PUT",
    headers: { authorization: "Bearer t0ken", "content-type": "application/json" },
    body: '{"properties":{"plan":"pro"}}'
  })
  expect(transform(envelope("contact.deleted", {}))).toMatchObject({ method: "DELETE" })
  expect(transform(envelope("contact.created", { contactKeyKind: "anonymous" }))).toBeNull()
  expect(() => transform(envelope("contact.created", {}), {})).toThrow("Set config.token.")
})
