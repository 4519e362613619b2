/** What a channel of Slack is told. */
import { assert, describe, it } from "@effect/vitest"
import type { OutboundEnvelope } from "@hogsend/core"
import { slack } from "../../src/Destinations/slack.ts"
import { contextOf, envelope, keys } from "./envelopes.ts"

const hook = "https://hooks.slack.com/services/T/B/x"

const textOf = (given: OutboundEnvelope) => JSON.parse(slack.transform(given, contextOf({}, hook))?.body ?? "").text

describe("The destination slack", () => {
  it("says what happened to whom, by the contact key alone", () => {
    const data = { ...keys, properties: { name: "Ada" }, to: "ada@example.com" }
    assert.strictEqual(textOf(envelope("contact.created", data)), "contact.created: u_1")
    const disabled = { endpointId: "e2", kind: "webhook", url: "https://a.example/?secret", reason: "It failed." }
    assert.strictEqual(textOf(envelope("endpoint.disabled", disabled)), "endpoint.disabled: e2 (webhook). It failed.")
  })

  it("calls nobody, whatever a visitor is called", () => {
    assert.strictEqual(
      textOf(envelope("contact.created", { userId: "<!channel> & <@U1>" })),
      "contact.created: &lt;!channel&gt; &amp; &lt;@U1&gt;"
    )
  })

  it("posts to the URL of its config, else to its own, and is refused with neither", () => {
    const urlOf = (config: { readonly url?: string }, url: string | null) =>
      slack.transform(envelope("contact.created", keys), contextOf(config, url))?.url
    assert.strictEqual(urlOf({ url: hook }, "https://a.example/"), hook)
    assert.strictEqual(urlOf({}, hook), hook)
    assert.throws(() => urlOf({}, null), /config\.url/)
    assert.throws(() => slack.check?.({ url: null, config: {} }), /config\.url/)
    assert.throws(() => slack.check?.({ url: null, config: { url: "hooks" } }), /config\.url/)
    assert.doesNotThrow(() => slack.check?.({ url: null, config: { url: hook } }))
  })
})
