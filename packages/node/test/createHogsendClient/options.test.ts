/** What a start says of options that no compiler has looked at. */
import { Schema } from "effect"
import { describe, expect, it, vi } from "vitest"
import { createHogsendClient, SettingsInvalid } from "../../src/index.ts"
import { failureOf, secret } from "./makeClients.ts"

/** As plain JavaScript hands options over. */
const linesOf = async (options: Readonly<Record<string, unknown>>): Promise<ReadonlyArray<string>> => {
  const failure = await failureOf(
    createHogsendClient({ database: "postgres://nobody@localhost:1/x", secret, ...options }).ready()
  )
  expect(failure).toBeInstanceOf(SettingsInvalid)
  return (failure as SettingsInvalid).lines
}

const crm = { meta: { id: "crm", name: "CRM" }, events: ["contact.created"], transform: () => null }
const forms = {
  meta: { id: "forms", name: "Forms" },
  trust: "server",
  auth: { type: "secret", header: "x-forms-secret", secret: "sixteen or more of them" },
  schema: Schema.Unknown,
  transform: () => null
}
const warehouse = {
  meta: { id: "warehouse", name: "Warehouse" },
  capabilities: { personReads: true, personWrites: true },
  getPersonProperties: async () => null,
  setPersonProperties: async () => {},
  capture: () => {}
}

describe("A wrong option rejects the start with a sentence that names it", () => {
  it.each<[Readonly<Record<string, unknown>>, RegExp]>([
    [{ database: 5 }, /^The option database must be a URL or an object$/],
    [{ database: { url: 5 } }, /^The option database\.url must be a text$/],
    [{ databse: "postgres://localhost/x" }, /^There is no option databse\. Did you mean database\?$/],
    [{ destinationQueue: { slot: 1 } }, /^There is no option destinationQueue\.slot\. .* destinationQueue\.slots\?$/],
    [{ defaults: { timezone: "Europe/Berln" } }, /^The option defaults\.timezone must be an IANA time zone/],
    [{ destinationQueue: { slots: -1 } }, /^The option destinationQueue\.slots must be a whole number/],
    [{ services: { nope: 1 } }, /^There is no option services\.nope\./],
    [{ services: { warnings: 1 } }, /^The option services\.warnings must be a Layer$/],
    [{ contacts: { publicProperties: "plan" } }, /^The option contacts\.publicProperties must be a list/],
    [{ analytics: true }, /^The option analytics must be an object$/],
    [{ destinations: crm }, /^The option destinations is no list/],
    [{ destinations: [{ ...crm, transform: undefined }] }, /^The destination "crm" has no transform/],
    [{ destinations: [{ ...crm, events: ["contact.create"] }] }, /"contact\.create".*Did you mean contact\.created\?$/],
    [{ destinations: [{ ...crm, meta: undefined }] }, /^destinations\[0\] has no meta\.id/],
    [{ destinations: [crm, crm] }, /^The destination "crm" needs an id of its own/],
    [
      { analytics: { provider: warehouse, providers: [{ ...warehouse }] } },
      /^There are two analytics providers with the id "warehouse"/
    ],
    [{ analytics: { provider: { ...warehouse, capture: undefined } } }, /"warehouse".* has no method capture/],
    [
      { analytics: { provider: { ...warehouse, capabilities: { identityMerge: true } } } },
      /"warehouse".* no method mergeIdentities/
    ],
    [{ analytics: { provider: { ...warehouse, meta: undefined } } }, /analytics\.provider has no meta\.id/],
    [{ webhookSources: [{ ...forms, auth: undefined }] }, /^The webhook source "forms" has no auth/],
    [{ webhookSources: [{ ...forms, trust: "admin" }] }, /^The webhook source "forms" has the trust "admin"/],
    [
      { webhookSources: [{ ...forms, auth: { ...forms.auth, secret: "q" } }] },
      /^The secret of the webhook source "forms" has 1 characters, and must have 16/
    ],
    [{ webhookSources: forms }, /^The option webhookSources is no list/]
  ])("%#", async (options, says) => {
    const lines = await linesOf(options)
    expect(lines).toEqual([expect.stringMatching(says)])
  })

  it("for each mistake, all of them at once, beside what the environment lacks", async () => {
    vi.stubEnv("NODE_ENV", "production")
    vi.stubEnv("DATABASE_URL", "")
    vi.stubEnv("HOGSEND_DATA_DIR", "")
    const lines = await linesOf({
      database: undefined,
      secret: "short",
      databse: "x",
      destinations: [{ ...crm, transform: undefined, events: ["nothing"] }],
      webhookSources: [{ ...forms, trust: "admin" }],
      analytics: { provider: { ...warehouse, capture: undefined } }
    }).finally(() => vi.unstubAllEnvs())
    const about = [/option secret/, /DATABASE_URL is missing/, /databse/, /capture/, /transform/, /nothing/, /admin/]
    expect(lines).toEqual(about.map((says) => expect.stringMatching(says)))
  })
})
