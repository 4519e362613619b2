/** A config as it is shown, and as an answer that was edited comes back. */
import { assert, describe, it } from "@effect/vitest"
import { Properties } from "@hogsend/core"
import { Effect, Result } from "effect"
import { holdsMask, maskConfig, unmaskConfig } from "../../src/Endpoints/endpointConfig.ts"

describe("A config", () => {
  it.effect.prop("is shown by its names alone, and sent back is what it was", [Properties], ([config]) =>
    Effect.sync(() => {
      const shown = maskConfig(Object.keys(config))
      assert.deepStrictEqual(Object.keys(shown), Object.keys(config))
      assert.deepStrictEqual([...new Set(Object.values(shown))], Object.keys(config).length === 0 ? [] : ["***"])
      assert.deepStrictEqual(unmaskConfig(shown, config), Result.succeed({ ...config }))
    })
  )

  it("takes what is new, keeps what is masked, and forgets what is left out", () => {
    const stored = { apiKey: "k", host: "h", old: 1, none: null }
    assert.deepStrictEqual(
      unmaskConfig({ apiKey: "***", host: "new", none: "***" }, stored),
      Result.succeed({ apiKey: "k", host: "new", none: null })
    )
  })

  it("has nothing to keep under a name that it never had", () => {
    assert.deepStrictEqual(unmaskConfig({ apiKey: "k", other: "***" }, { apiKey: "k" }), Result.fail("other"))
    assert.deepStrictEqual(unmaskConfig({ toString: "***" }, {}), Result.fail("toString"))
  })

  it("holds a mask only as a whole value", () => {
    assert.isTrue(holdsMask({ a: 1, b: "***" }))
    assert.isFalse(holdsMask({ a: "****", b: ["***"] }))
  })
})
