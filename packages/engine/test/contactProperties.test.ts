import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  dropPublicOf,
  foldProperties,
  patchProperties,
  type PublicProperty,
  type StoredProperties,
  visibleProperties
} from "../src/contactProperties.ts"

const empty: StoredProperties = { properties: {}, publicProperties: {} }
const trusted = { trusted: true } as const
const browser = (keyId = "k1") => ({ trusted: false, keyId }) as const
const written = (value: Schema.Json, keyId = "k1"): PublicProperty => ({ value, keyId })

describe("patchProperties", () => {
  it("merges shallowly: what is not named stays, an object is replaced as a whole", () => {
    const stored = { ...empty, properties: { plan: "free", seats: { max: 3, used: 1 } } }
    assert.deepStrictEqual(patchProperties(stored, { seats: { max: 5 }, city: "Ulm" }, trusted), {
      properties: { plan: "free", seats: { max: 5 }, city: "Ulm" },
      publicProperties: {}
    })
  })

  it("null removes, and is nothing where there is nothing", () => {
    const stored = { ...empty, properties: { plan: "free", city: "Ulm" } }
    const after = patchProperties(stored, { plan: null, gone: null }, trusted)
    assert.deepStrictEqual(after, { properties: { city: "Ulm" }, publicProperties: {} })
  })

  it("keeps what a browser writes apart, with its key, and shows it instead of the trusted one", () => {
    const stored = { ...empty, properties: { plan: "paid", city: "Ulm" } }
    const after = patchProperties(stored, { plan: "free", colour: "red" }, browser())
    assert.deepStrictEqual(after, {
      properties: { plan: "paid", city: "Ulm" },
      publicProperties: { plan: written("free"), colour: written("red") }
    })
    assert.deepStrictEqual(visibleProperties(after), { plan: "free", city: "Ulm", colour: "red" })
  })

  it("a browser's null hides the trusted one, and removes its own", () => {
    const stored = { properties: { plan: "paid" }, publicProperties: { colour: written("red") } }
    const after = patchProperties(stored, { plan: null, colour: null, gone: null }, browser())
    assert.deepStrictEqual(after, { properties: { plan: "paid" }, publicProperties: { plan: written(null) } })
    assert.deepStrictEqual(visibleProperties(after), {})
  })

  it("a trusted write, a removal too, puts an end to what browsers wrote under the same name", () => {
    const stored = {
      properties: { plan: "paid" },
      publicProperties: { plan: written("free"), colour: written("red"), city: written("Ulm") }
    }
    const after = patchProperties(stored, { plan: "team", colour: null }, trusted)
    assert.deepStrictEqual(after, { properties: { plan: "team" }, publicProperties: { city: written("Ulm") } })
  })

  it("the later of two browsers is the one that is kept", () => {
    const first = patchProperties(empty, { city: "Ulm" }, browser("k1"))
    const second = patchProperties(first, { city: "Bonn" }, browser("k2"))
    assert.deepStrictEqual(second.publicProperties, { city: written("Bonn", "k2") })
  })

  it("takes names that every object inherits for names like any other", () => {
    const stored = patchProperties(empty, { toString: "a", valueOf: "b" }, browser())
    assert.deepStrictEqual(visibleProperties(patchProperties(stored, { city: "Ulm" }, trusted)), {
      toString: "a",
      valueOf: "b",
      city: "Ulm"
    })
    assert.deepStrictEqual(patchProperties(empty, { hasOwnProperty: null }, browser()), empty)
  })

  const Names = Schema.Literals(["a", "b", "c"])
  const Value = Schema.Union([Schema.Null, Schema.Int, Schema.String])
  const Write = Schema.Struct({ patch: Schema.Record(Names, Value), trusted: Schema.Boolean })

  it.prop("the last writer of a name is the one that is seen", [Schema.Array(Write)], ([writes]) => {
    let stored = empty
    const last: Record<string, Schema.Json> = {}
    for (const write of writes) {
      stored = patchProperties(stored, write.patch, write.trusted ? trusted : browser())
      Object.assign(last, write.patch)
    }
    const seen = Object.fromEntries(Object.entries(last).filter(([, value]) => value !== null))
    assert.deepEqual(visibleProperties(stored), seen)
  })

  it.prop("without browsers' writes, the store is as if they had never been", [Schema.Array(Write)], ([writes]) => {
    const all = writes.reduce<StoredProperties>(
      (stored, write) => patchProperties(stored, write.patch, write.trusted ? trusted : browser()),
      empty
    )
    const servers = writes
      .filter((write) => write.trusted)
      .reduce<StoredProperties>((stored, write) => patchProperties(stored, write.patch, trusted), empty)
    assert.deepEqual(visibleProperties(dropPublicOf(all, "k1")), visibleProperties(servers))
  })
})

describe("dropPublicOf", () => {
  it("drops what was written under the key, and shows what it shadowed again", () => {
    const stored = {
      properties: { plan: "paid" },
      publicProperties: { plan: written("free"), hidden: written("x"), city: written("Ulm", "k2") }
    }
    assert.deepStrictEqual(dropPublicOf(stored, "k1"), {
      properties: { plan: "paid" },
      publicProperties: { city: written("Ulm", "k2") }
    })
  })
})

describe("foldProperties", () => {
  const survivor = {
    properties: { plan: "paid", both: "survivor" },
    publicProperties: { mine: written("s"), contested: written("s") }
  }
  const absorbed = {
    properties: { city: "Ulm", both: "absorbed" },
    publicProperties: { theirs: written("a", "k2"), contested: written("a", "k2"), plan: written("free", "k2") }
  }
  const fold = (
    identified: { survivor: boolean; absorbed: boolean },
    { byOwnToken = false, serverOnly = [] }: { byOwnToken?: boolean; serverOnly?: ReadonlyArray<string> } = {}
  ) =>
    foldProperties(
      { ...survivor, identified: identified.survivor },
      { ...absorbed, identified: identified.absorbed },
      { byOwnToken, serverOnly: new Set(serverOnly) }
    )

  const own = { mine: written("s"), contested: written("s") }
  const theirs = { theirs: written("a", "k2"), contested: written("a", "k2"), plan: written("free", "k2") }

  it.each([
    ["nobody was identified: both, the survivor's first", false, false, { theirs: theirs.theirs, ...own }],
    ["the survivor was identified: its own alone", true, false, own],
    ["both were identified: the survivor's own alone", true, true, own],
    [
      "the absorbed was identified: the absorbed one's alone",
      false,
      true,
      { theirs: theirs.theirs, contested: theirs.contested }
    ]
  ])("what browsers wrote, when %s", (_, survivorWas, absorbedWas, expected) => {
    const folded = fold({ survivor: survivorWas, absorbed: absorbedWas })
    assert.deepStrictEqual(folded.publicProperties, expected)
    assert.deepStrictEqual(folded.properties, { city: "Ulm", both: "survivor", plan: "paid" })
  })

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true]
  ])(
    "the person's own token folds what browsers wrote on both sides (identified: %j, %j)",
    (survivorWas, absorbedWas) => {
      const folded = fold({ survivor: survivorWas, absorbed: absorbedWas }, { byOwnToken: true })
      assert.deepStrictEqual(folded.publicProperties, { theirs: theirs.theirs, ...own })
    }
  )

  it("the survivor's trusted property is not shadowed by what came along", () => {
    for (const byOwnToken of [true, false]) {
      const folded = fold({ survivor: false, absorbed: false }, { byOwnToken })
      assert.include(visibleProperties(folded), { plan: "paid" })
    }
  })

  it("server-only properties never come from browsers, whoever asks and whichever side had them", () => {
    const serverOnly = ["mine", "theirs", "contested"]
    for (const byOwnToken of [true, false]) {
      for (const [s, a] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true]
      ] as const) {
        const folded = fold({ survivor: s, absorbed: a }, { byOwnToken, serverOnly })
        assert.deepStrictEqual(folded.publicProperties, {})
      }
    }
  })

  it("a trusted property of a server-only name folds like any other", () => {
    const folded = fold({ survivor: true, absorbed: true }, { serverOnly: ["city", "plan"] })
    assert.include(folded.properties, { city: "Ulm", plan: "paid" })
  })

  it("takes names that every object inherits for names like any other", () => {
    const side = { properties: {}, publicProperties: {}, identified: false }
    const other = { ...side, publicProperties: { toString: written("a") } }
    const folded = foldProperties(side, other, { byOwnToken: false, serverOnly: new Set() })
    assert.deepStrictEqual(folded.publicProperties, { toString: written("a") })
  })
})
