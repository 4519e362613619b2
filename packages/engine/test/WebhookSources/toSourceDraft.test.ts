/** What becomes of the words of a source before anybody asks the database. */
import { assert, describe, it } from "@effect/vitest"
import { defineWebhookSource, type SourceTrust } from "@hogsend/core"
import { Schema } from "effect"
import { toSourceDraft } from "../../src/WebhookSources/toSourceDraft.ts"

const source = (trust: SourceTrust, contactProperties?: ReadonlyArray<string>) =>
  defineWebhookSource({
    meta: { id: "s", name: "S" },
    trust,
    auth: { type: "secret", header: "x-secret", secret: "s" },
    schema: Schema.Unknown,
    ...(contactProperties === undefined ? {} : { contactProperties }),
    transform: () => null
  })

describe("What a source says", () => {
  it("of a person is kept of a public source as far as it is listed, and of a server's whole", () => {
    const contactProperties = { plan: "pro", email: "a@b.co", role: "owner" }
    const kept = (...of: Parameters<typeof source>) => {
      const { draft } = toSourceDraft(source(...of), { name: "x", distinctId: "d", contactProperties })
      return "contactProperties" in draft ? draft.contactProperties : undefined
    }
    assert.deepStrictEqual(kept("public"), {})
    assert.deepStrictEqual(kept("public", ["plan", "none"]), { plan: "pro" })
    const { draft } = toSourceDraft(source("server"), { name: "x", userId: "u", contactProperties })
    assert.deepInclude(draft, { contactProperties })
  })

  it("is an event with its keys apart, and without what is null or undefined", () => {
    const timestamp = new Date("2026-11-20T10:00:00.000Z")
    const said = { name: "x", userId: "u", email: undefined, emailVerified: true, timestamp, value: undefined }
    assert.deepStrictEqual(toSourceDraft(source("server"), said), {
      draft: { name: "x", userId: "u", emailVerified: true, timestamp },
      claims: { userId: "u", email: undefined, emailVerified: true, anonymousId: undefined }
    })
    const text = toSourceDraft(source("public"), { name: "x", distinctId: "d", timestamp: "2026-11-20T11:00:00+01:00" })
    assert.deepStrictEqual(text, { draft: { name: "x", timestamp }, claims: { distinctId: "d" } })
  })

  it("is refused as the API would refuse it", () => {
    for (const event of [
      { name: "x", userId: "u", timestamp: new Date(Number.NaN) },
      { name: "x", userId: "u", timestamp: "yesterday" },
      { name: "", userId: "u" },
      { name: "x", userId: "" },
      { name: "x", anonymousId: "a@b.co" },
      { name: "x", distinctId: "" },
      { name: "x", userId: "u", value: Number.POSITIVE_INFINITY },
      { name: "x", userId: "u", idempotencyKey: "k".repeat(256) }
    ]) {
      const trust = "distinctId" in event ? "public" : "server"
      assert.deepInclude(toSourceDraft(source(trust), event).draft, { _tag: "RequestInvalid" }, JSON.stringify(event))
    }
    const large = toSourceDraft(source("server"), { name: "x", eventProperties: { text: "x".repeat(33 * 1024) } })
    assert.deepInclude(large.draft, { _tag: "BodyTooLarge" })
  })
})
