/** Which destinations there are, and what the signed webhook sends. */
import { assert, describe, it } from "@effect/vitest"
import { defineDestination, type OutboundEnvelope, type OutboundEventName } from "@hogsend/core"
import { Effect, Exit, Result, Schema } from "effect"
import { Destinations, type DestinationsOptions } from "../../src/Destinations.ts"
import { webhook } from "../../src/Destinations/webhook.ts"
import { contextOf } from "./envelopes.ts"

const own = (id: string) =>
  defineDestination({ meta: { id, name: id }, events: ["contact.created"], transform: () => null })

const withOwn = (...ids: ReadonlyArray<string>) =>
  Effect.provide(Destinations, Destinations.layer({ own: ids.map(own) }))

const asked = (
  kind: string,
  eventTypes: ReadonlyArray<OutboundEventName>,
  url: string | null = "https://a.example/"
) => ({
  kind,
  eventTypes,
  url,
  config: {}
})

describe("Destinations", () => {
  it.effect("are the presets and the host app's own", () =>
    Effect.gen(function* () {
      const { check, find } = yield* withOwn("crm", "our_bus-2")
      assert.strictEqual(find("webhook"), webhook)
      assert.strictEqual(find("crm")?.meta.id, "crm")
      assert.isUndefined(find("none"))
      assert.isTrue(Result.isSuccess(check(asked("webhook", ["contact.created", "endpoint.disabled"]))))
      assert.isTrue(Result.isSuccess(check(asked("crm", ["contact.created"], null))))
    })
  )

  it.effect("have further presets where they are asked for, whose kinds are free where they are not", () =>
    Effect.gen(function* () {
      const kinds = ["webhook", "posthog", "segment", "slack"]
      const there = (presets: DestinationsOptions["presets"]) =>
        Effect.map(Effect.provide(Destinations, Destinations.layer({ presets })), ({ find }) =>
          kinds.filter((kind) => find(kind) !== undefined)
        )
      assert.deepStrictEqual(yield* there(undefined), ["webhook", "posthog"])
      assert.deepStrictEqual(yield* there(["slack"]), ["webhook", "posthog", "slack"])
      assert.deepStrictEqual(yield* there(["posthog"]), ["webhook", "posthog"])
      assert.deepStrictEqual(yield* there("*"), kinds)
      assert.strictEqual((yield* withOwn("slack")).find("slack")?.meta.name, "slack")
      const twice = Effect.provide(Destinations, Destinations.layer({ presets: "*", own: [own("slack")] }))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(twice)))
    })
  )

  it.effect("refuse an endpoint with the sentence that its check throws", () =>
    Effect.gen(function* () {
      const strict = {
        ...own("strict"),
        check: () => {
          throw new Error("Set config.token.")
        }
      }
      const { check } = yield* Effect.provide(Destinations, Destinations.layer({ own: [strict] }))
      const refused = Result.getOrThrow(Result.flip(check(asked("strict", ["contact.created"]))))
      assert.deepStrictEqual([refused._tag, refused.error], ["EndpointInvalid", "Set config.token."])
      assert.isTrue(Result.isFailure(check(asked("webhook", ["contact.created"], null))))
    })
  )

  it.effect("refuse a name in a config that they do not know, and say which one may be meant", () =>
    Effect.gen(function* () {
      const crm = { ...own("crm"), configNames: ["token", "region"] as const }
      const { check } = yield* Effect.provide(
        Destinations,
        Destinations.layer({ presets: "*", own: [crm, own("any")] })
      )
      const answer = (kind: string, config: Readonly<Record<string, string>>) =>
        Result.match(check({ ...asked(kind, ["contact.created"]), config }), {
          onSuccess: () => "taken",
          onFailure: ({ error }) => error
        })
      assert.match(answer("crm", { tokn: "secret" }), /crm does not know config\.tokn\..*token\?.*token, region\.$/)
      assert.notInclude(answer("crm", { tokn: "secret" }), "secret")
      assert.strictEqual(answer("crm", { token: "secret" }), "taken")
      assert.strictEqual(answer("any", { whatever: "x" }), "taken")
      for (const [kind, good, bad, meant] of [
        ["posthog", { apiKey: "phc_a", unsubscribedPropertyKey: "out" }, "apikey", "apiKey"],
        ["segment", { writeKey: "w" }, "writekey", "writeKey"],
        ["slack", { url: "https://hooks.slack.com/services/a" }, "URL", "url"]
      ] as const) {
        assert.strictEqual(answer(kind, good), "taken")
        assert.include(answer(kind, { ...good, [bad]: "x" }), `Did you mean ${meant}?`)
      }
    })
  )

  it.effect("refuse a kind that is none and events that it does not take, and name what there is", () =>
    Effect.gen(function* () {
      const { check } = yield* withOwn("crm")
      const refused = (...of: Parameters<typeof asked>) => Result.getOrThrow(Result.flip(check(asked(...of)))).error
      const enabled = /no destination of the kind "slack".*webhook, posthog, crm\. slack .*ENABLED_DESTINATION_PRESETS/
      assert.match(refused("slack", ["contact.created"]), enabled)
      assert.match(refused("toString", ["contact.created"]), /no destination of the kind "toString".*crm\.$/)
      assert.match(
        refused("crm", ["contact.created", "email.sent"]),
        /crm does not take email\.sent\. It takes: contact\.created\./
      )
    })
  )

  it.effect("have an id of their own each", () =>
    Effect.gen(function* () {
      for (const ids of [["webhook"], ["posthog"], ["crm", "crm"], ["Crm"], [""], ["a b"], ["_a"], ["a".repeat(65)]]) {
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
      assert.deepStrictEqual(webhook.transform(envelope, contextOf({}, "https://a.example/hook")), {
        url: "https://a.example/hook",
        headers: { "content-type": "application/json" },
        body: bytes
      })
    })
  )

  it("needs a url", () => {
    const envelope = { id: "msg_1", type: "contact.created", timestamp: "", data: {} } as const
    assert.throws(() => webhook.transform(envelope, contextOf({}, null)), /url/)
  })
})
