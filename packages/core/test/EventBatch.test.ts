/** Many events in one body: whatever an item is, it is an event or its own refusal, and never its neighbours' trouble. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { BodyTooLarge, RequestInvalid } from "../src/Envelope.ts"
import { EventDraft } from "../src/Event.ts"
import { EventBatch, maxBatchEvents } from "../src/EventBatch.ts"

// What an endpoint decodes with, and what a client encodes with.
const Body = Schema.toCodecJson(EventBatch)
const decodeBody = Schema.decodeUnknownResult(Body, { errors: "all" })
const encodeBody = Schema.encodeUnknownResult(Body)
const isDraft = Schema.is(EventDraft)

const decode = (...events: ReadonlyArray<unknown>) => Result.getOrThrow(decodeBody({ events })).events
const decodeText = (item: string) => decode(JSON.parse(item))[0]
const good = { name: "good", userId: "u_good" }

describe("EventBatch", () => {
  it.prop(
    "decodes whatever JSON an item is, to an event or to its refusal, and keeps its neighbours",
    [Schema.Array(Schema.Union([Schema.Json, Schema.Struct({ ...EventDraft.fields, name: Schema.Json })]))],
    ([items]) => {
      const sent: Array<unknown> = JSON.parse(JSON.stringify(items.slice(0, 20)))
      const decoded = decode(good, ...sent, good)
      assert.lengthOf(decoded, sent.length + 2)
      assert.deepStrictEqual([decoded.at(0), decoded.at(-1)], [good, good])
      for (const item of decoded) {
        if ("_tag" in item) assert.isTrue(item instanceof RequestInvalid || item instanceof BodyTooLarge)
        else assert.isTrue(isDraft(item))
      }
    }
  )

  it.prop("decodes what a client encodes to the same events", [EventDraft], ([{ timestamp, ...rest }]) => {
    // A year of more than four digits is no ISO-8601 instant.
    const draft = timestamp !== undefined && /^\d{4}-/.test(timestamp.toISOString()) ? { ...rest, timestamp } : rest
    const sent: unknown = JSON.parse(JSON.stringify(Result.getOrThrow(encodeBody({ events: [draft] }))))
    // JSON knows no -0.
    const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    assert.deepStrictEqual(asJson(Result.getOrThrow(decodeBody(sent)).events), asJson([draft]))
  })

  it("says of an item what is wrong with it, all of it, as of one event alone", () => {
    const items = [null, 5, [], "text", {}, { name: "", userId: 5, value: "1" }, { name: "n", timestamp: "yesterday" }]
    const alone = Schema.decodeUnknownResult(Schema.toCodecJson(EventDraft), { errors: "all" })
    for (const item of items) {
      const [decoded] = decode(item)
      const failure = Result.getOrThrow(Result.flip(alone(item)))
      assert.deepStrictEqual(decoded, RequestInvalid.of("payload", failure.issue))
    }
    const [several] = decode({ name: "", userId: 5, value: "1" })
    assert.isTrue(several instanceof RequestInvalid)
    if (several instanceof RequestInvalid) assert.lengthOf(several.issues, 3)
  })

  it("takes numbers that are none in JSON for the trouble of one item", () => {
    for (const text of ["1e400", '{"name":"e","properties":-1e400}', '{"name":"e","value":1e400}', "[1e400]"]) {
      const alone = Schema.decodeUnknownResult(Schema.toCodecJson(EventDraft), { errors: "all" })(JSON.parse(text))
      const failure = Result.getOrThrow(Result.flip(alone))
      assert.deepStrictEqual(decode(JSON.parse(text), good), [RequestInvalid.of("payload", failure.issue), good], text)
    }
    assert.deepStrictEqual(decodeText('{"name":"good","userId":"u_good","unknown":1e400}'), good)
  })

  it("tells properties that are too large from those that are wrong", () => {
    const large = { ...good, eventProperties: { text: "x".repeat(33_000) } }
    assert.deepStrictEqual(decode(large, good), [BodyTooLarge.ofProperties, good])
  })

  it("takes a field that reads like a refusal for what it is: no field of an event", () => {
    const item = '{"_tag":"RequestInvalid","error":"no","issues":[],"name":"good","userId":"u_good"}'
    assert.deepStrictEqual(decodeText(item), good)
    assert.deepStrictEqual(decodeText(item.replace("_tag", "__proto__")), good)
  })

  it("takes 1 to 500 events, and looks at none of more than those", () => {
    assert.lengthOf(decode(...Array<unknown>(maxBatchEvents).fill(null)), maxBatchEvents)
    for (const events of [[], {}, null, "events", undefined]) {
      assert.isTrue(Result.isFailure(decodeBody({ events })), JSON.stringify(events))
    }
    let looked = 0
    const item = {
      get name() {
        looked += 1
        return "looked at"
      }
    }
    const decodePlain = Schema.decodeUnknownResult(EventBatch, { errors: "all" })
    const events = Array.from({ length: maxBatchEvents + 1 }, () => item)
    assert.match(Result.getOrThrow(Result.flip(decodePlain({ events }))).message, /at most 500\s+at \["events"\]/)
    assert.strictEqual(looked, 0)
    assert.isTrue(Result.isSuccess(decodePlain({ events: [item] })))
    assert.isAbove(looked, 0)
  })

  it("encodes no refusal: it was never an event", () => {
    assert.isTrue(Result.isFailure(encodeBody({ events: [BodyTooLarge.ofProperties] })))
  })
})
