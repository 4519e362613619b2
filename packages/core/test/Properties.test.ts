import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { PropertiesFault } from "../src/Properties.ts"
import { maxPropertiesBytes, Properties, propertiesFault } from "../src/Properties.ts"

// What an endpoint decodes with.
const Body = Schema.toCodecJson(Schema.Struct({ properties: Schema.optionalKey(Properties) }))
const decodeBody = Schema.decodeUnknownResult(Body)

const decode = (json: string) => decodeBody({ properties: JSON.parse(json) })
const faultMessage = (properties: unknown) =>
  Result.match(decodeBody({ properties }), { onFailure: (error) => error.message, onSuccess: () => "accepted" })
const code = (bag: Properties): PropertiesFault["code"] | undefined => propertiesFault(bag)?.code
const nested = (levels: number, open: string, close: string) => `${open.repeat(levels)}1${close.repeat(levels)}`
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length

describe("Properties", () => {
  it.effect("decodes and encodes to the very value that came in", () =>
    Effect.gen(function* () {
      const properties = { plan: "pro", seats: 3, ratio: 0.5, trial: false, gone: null, tags: ["a", { b: [] }], "": 1 }
      const { "": _, ...bag } = properties
      const decoded = yield* Schema.decodeUnknownEffect(Body)({ properties: bag })
      assert.strictEqual(decoded.properties, bag)
      assert.deepStrictEqual(yield* Schema.encodeUnknownEffect(Body)(decoded), { properties: bag })
    })
  )

  it.each(["null", "1", '"text"', "true", "[]", "[1]"])("is not %s", (json) => {
    const result = decode(json)
    assert.match(Result.getOrThrow(Result.flip(result)).message, /JSON object/)
  })

  it.each(["__proto__", "constructor", "prototype"])("refuses the own name %s, at any depth", (name) => {
    assert.match(faultMessage(JSON.parse(`{"${name}": {"admin": true}}`)), new RegExp(`"${name}" is not allowed`))
    assert.match(
      faultMessage(JSON.parse(`{"a": [1, {"b": {"${name}": 1}}]}`)),
      /is not allowed\s+at \["properties"\]\["a"\]\[1\]\["b"\]/
    )
    assert.match(
      faultMessage(JSON.parse(`{"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}": 1}`)),
      /not allowed/
    )
  })

  it("accepts names that only look like those", () => {
    assert.strictEqual(
      faultMessage(JSON.parse('{"proto": 1, "__proto": 1, "Constructor": 1, "toString": 1}')),
      "accepted"
    )
  })

  it("bounds names at 1 to 200 characters", () => {
    assert.strictEqual(faultMessage({ ["n".repeat(200)]: 1 }), "accepted")
    assert.match(faultMessage({ ["n".repeat(201)]: 1 }), /at most 200/)
    assert.match(faultMessage({ a: { "": 1 } }), /must not be empty\s+at \["properties"\]\["a"\]/)
  })

  it("bounds the depth at 16 levels, of objects and arrays alike", () => {
    assert.strictEqual(faultMessage(JSON.parse(nested(16, '{"a":', "}"))), "accepted")
    assert.match(faultMessage(JSON.parse(nested(17, '{"a":', "}"))), /deeper than 16/)
    assert.strictEqual(faultMessage({ a: JSON.parse(nested(15, "[", "]")) }), "accepted")
    assert.match(faultMessage({ a: JSON.parse(nested(16, "[", "]")) }), /deeper than 16/)
  })

  it("survives what is nested 100,000 levels deep", () => {
    assert.match(faultMessage({ a: JSON.parse(nested(100_000, "[", "]")) }), /deeper than 16/)
    assert.match(faultMessage(JSON.parse(nested(100_000, '{"a":', "}"))), /deeper than 16/)
  })

  it("ends on a cycle, and on a graph with more paths than atoms", () => {
    const cycle: Record<string, unknown> = {}
    cycle["self"] = cycle
    assert.match(faultMessage(cycle), /deeper than 16/)
    let shared: unknown = 1
    for (let level = 0; level < 15; level++) shared = Array.from({ length: 100 }, () => shared)
    assert.match(faultMessage({ shared }), /32 KiB/)
  })

  it.each([
    ["NUL in a value", { a: "x\0" }, /NUL character\s+at \["properties"\]\["a"\]/],
    ["NUL in a name", { "a\0": 1 }, /name must not contain the NUL/],
    ["a lone surrogate in a value", { a: ["\ud800"] }, /lone surrogate\s+at \["properties"\]\["a"\]\[0\]/],
    ["a lone surrogate in a name", { "\udc00": 1 }, /name must be valid Unicode/],
    ["NaN", { a: Number.NaN }, /finite/],
    ["Infinity", { a: [-Infinity] }, /finite/],
    ["undefined", { a: undefined }, /JSON value/],
    ["a hole", { a: Array.from({ length: 2 }).fill(1, 1) }, /JSON value/],
    ["a function", { toJSON: () => 1 }, /JSON value/],
    ["a bigint", { a: 1n }, /JSON value/],
    ["a date", { a: new Date(0) }, /JSON value/],
    ["a map", { a: new Map() }, /JSON value/]
  ])("refuses %s", (_, bag, message) => {
    assert.match(faultMessage(bag), message)
  })

  it("refuses a number that JSON.parse made infinite", () => {
    assert.match(faultMessage(JSON.parse('{"a": 1e999}')), /finite/)
  })

  it("bounds the bag at 32 KiB of UTF-8, to the byte", () => {
    const frame = bytesOf({ a: "" })
    for (const [letter, size] of [
      ["x", 1],
      ["é", 2],
      ["漢", 3],
      ["😀", 4],
      ['"', 2],
      ["\u0001", 6]
    ] as const) {
      const room = maxPropertiesBytes - frame
      const full = letter.repeat(Math.floor(room / size)) + "x".repeat(room % size)
      assert.strictEqual(bytesOf({ a: full }), maxPropertiesBytes)
      assert.strictEqual(faultMessage({ a: full }), "accepted")
      assert.match(faultMessage({ a: `${full}x` }), /at most 32 KiB/)
    }
  })

  it("tells too large from malformed", () => {
    assert.strictEqual(code({ a: "x".repeat(40_000) }), "too_large")
    assert.strictEqual(code({ a: "\0" }), "malformed")
    assert.strictEqual(code({}), undefined)
  })

  it.prop("counts bytes as JSON.stringify writes them", [Schema.JsonObject], ([value]) => {
    if (propertiesFault(value) !== undefined) return
    // The rest of the room, as the value of one more name: one byte less fits, one byte more does not.
    const name = Object.keys(value).reduce((longest, key) => (key.length >= longest.length ? `${key}x` : longest), "x")
    if (name.length > 100 || !name.isWellFormed()) return
    const room = maxPropertiesBytes - bytesOf({ ...value, [name]: "" })
    assert.strictEqual(propertiesFault({ ...value, [name]: "x".repeat(room) }), undefined)
    assert.strictEqual(propertiesFault({ ...value, [name]: "x".repeat(room + 1) })?.code, "too_large")
  })

  it.prop("has samples of its own for property tests", [Properties], ([bag]) => {
    assert.strictEqual(propertiesFault(bag), undefined)
  })

  it("is an object in JSON Schema and in OpenAPI", () => {
    assert.strictEqual(Schema.toJsonSchemaDocument(Properties).schema["type"], "object")
    const api = HttpApi.make("Test").add(
      HttpApiGroup.make("contacts").add(
        HttpApiEndpoint.post("put", "/contacts", { payload: Schema.Struct({ properties: Properties }) })
      )
    )
    const spec = JSON.stringify(OpenApi.fromApi(api).paths)
    assert.match(spec, /"properties":\{"properties":\{"type":"object"/)
  })
})
