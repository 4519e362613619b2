/** Which destinations there are, and what the signed webhook sends. */
import { assert, describe, it } from "@effect/vitest"
import { defineDestination, type OutboundEnvelope } from "@hogsend/core"
import { Effect, Exit, Result, Schema } from "effect"
import { Destinations } from "../../src/Destinations.ts"
import { webhook } from "../../src/Destinations/webhook.ts"

const own = (id: string) =>
  defineDestination({ meta: { id, name: id }, events: ["contact.created"], transform: () => null })

const withOwn = (...ids: ReadonlyArray<string>) =>
  Effect.provide(Destinations, Destinations.layer({ own: ids.map(own) }))

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const context = (url: string | null) => ({ endpoint: { id: "e1", url, config: {} }, logger: silent })

describe("Destinations", () => {
  it.effect("are the presets and the host app's own", () =>
    Effect.gen(function* () {
      const { check, find } = yield* withOwn("crm", "our_bus-2")
      assert.strictEqual(find("webhook"), webhook)
      assert.strictEqual(find("crm")?.meta.id, "crm")
      assert.isUndefined(find("none"))
      assert.isTrue(Result.isSuccess(check("webhook", ["contact.created", "endpoint.disabled"])))
      assert.isTrue(Result.isSuccess(check("crm", ["contact.created"])))
    })
  )

  it.effect("refuse a kind that is none and events that it does not take, and name what there is", () =>
    Effect.gen(function* () {
      const { check } = yield* withOwn("crm")
      const refused = (...asked: Parameters<typeof check>) => Result.getOrThrow(Result.flip(check(...asked))).error
      assert.match(refused("slack", ["contact.created"]), /no destination of the kind "slack".*webhook, crm\./)
      assert.match(
        refused("crm", ["contact.created", "email.sent"]),
        /crm does not take email\.sent\. It takes: contact\.created\./
      )
    })
  )

  it.effect("have an id of their own each", () =>
    Effect.gen(function* () {
      for (const ids of [["webhook"], ["crm", "crm"], ["Crm"], [""], ["a b"], ["_a"], ["a".repeat(65)]]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(withOwn(...ids))), ids.join())
      }
    })
  )
})

describe("The signed webhook", () => {
  it.effect.prop("sends the envelope to the byte", [Schema.Record(Schema.String, Schema.Json)], ([data]) =>
    Effect.sync(() => {
      const bytes = JSON.stringify({
        id: `msg_${crypto.randomUUID()}`,
        type: "contact.created",
        timestamp: "2026-11-22T10:00:00.000Z",
        data
      })
      const envelope = JSON.parse(bytes) as OutboundEnvelope
      assert.deepStrictEqual(webhook.transform(envelope, context("https://a.example/hook")), {
        url: "https://a.example/hook",
        headers: { "content-type": "application/json" },
        body: bytes
      })
    })
  )

  it("needs a url", () => {
    const envelope = { id: "msg_1", type: "contact.created", timestamp: "", data: {} } as const
    assert.throws(() => webhook.transform(envelope, context(null)), /url/)
  })
})
