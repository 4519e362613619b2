import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AssertedKeyKind } from "../src/IdentityKey.ts"
import { isCertifiedShape, normaliseKey, shorten } from "../src/IdentityKey.ts"

const kinds = ["external", "email", "anonymous"] as const
const opaqueKinds = ["external", "anonymous"] as const
const codeOf = (kind: AssertedKeyKind, raw: string) =>
  Result.match(normaliseKey(kind, raw), { onFailure: (refusal) => refusal.code, onSuccess: () => "accepted" as const })

const junk = [
  ["anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined", "true"],
  ["false", "null", "none", "None", "[object Object]", "NaN", "0", "-1", "invalid"],
  ["000", "-", "---", "-0", "0-0", "00000000-0000-0000-0000-000000000000"],
  ["{{user.id}}", "user-{{ id }}", "${user.id}", "<%= user.id %>", "%USER_ID%", "[[user_id]]", "{{\n}}", "u${\n}"],
  ['""', "''", '"null"', "'undefined'", "\"'None'\"", "`id`", '" null "']
].flat()

const invisibles = [
  ["\u0000", "\u0007", "\n", "\t", "\u007f", "\u0085", "\u00ad", "\u034f", "\u061c", "\u115f", "\u180b", "\u180e"],
  ["\u200b", "\u200c", "\u200d", "\u200e", "\u202a", "\u202e", "\u2028", "\u2029", "\u2060", "\u2066", "\u2069"],
  ["\u3164", "\ufe0f", "\ufeff", "\uffa0", "\ufff9", "\u{e0001}", "\u{e0100}"]
].flat()

describe("normaliseKey", () => {
  it.each(junk)("refuses the junk %j of every opaque kind, in any case", (raw) => {
    for (const kind of opaqueKinds) {
      for (const spelling of [raw, raw.toUpperCase(), raw.toLowerCase(), `"${raw}"`]) {
        assert.strictEqual(codeOf(kind, spelling), "junk_key")
      }
    }
    assert.strictEqual(codeOf("email", raw), "junk_key")
  })

  it("refuses whatever begins with $ as an id, but not as an email", () => {
    for (const kind of opaqueKinds) {
      assert.strictEqual(codeOf(kind, "$posthog_cookieless"), "junk_key")
      assert.strictEqual(codeOf(kind, "$"), "junk_key")
    }
    assert.strictEqual(codeOf("email", "$ada@example.com"), "accepted")
    assert.strictEqual(codeOf("email", "{{user.name}}@example.com"), "junk_key")
  })

  it.each([
    "identity",
    "guest_1",
    "10",
    "-10",
    "nullable",
    "u$",
    "{6F9619FF}",
    "50%",
    "%C3%A9",
    "a0-",
    "id2",
    "Ångström"
  ])("takes %j, which only looks a little like junk", (raw) => {
    for (const kind of opaqueKinds) assert.deepStrictEqual(normaliseKey(kind, raw), Result.succeed(raw))
  })

  it.each(invisibles)("refuses the invisible %j anywhere in a key", (invisible) => {
    for (const raw of [`user${invisible}1`, `user1${invisible}`, `${invisible}user1`]) {
      for (const kind of opaqueKinds) assert.strictEqual(codeOf(kind, raw), "malformed_key")
    }
    assert.strictEqual(codeOf("email", `a${invisible}da@example.com`), "malformed_key")
    assert.strictEqual(codeOf("email", `ada@exa${invisible}mple.com`), "malformed_key")
  })

  it.each([
    ["empty", ""],
    ["blank", "  "],
    ["white space before", " user_1"],
    ["white space after", "user_1 "],
    ["a no-break space after", "user_1\u00a0"],
    ["decomposed", "e\u0301ric"],
    ["a Kelvin sign", "\u212a1"],
    ["201 characters", "x".repeat(201)],
    ["a lone high surrogate", "user\ud83d"],
    ["a lone low surrogate", "\ude00user"]
  ])("refuses an opaque id that is %s", (_, raw) => {
    for (const kind of opaqueKinds) assert.strictEqual(codeOf(kind, raw), "malformed_key")
  })

  it("takes 200 characters, inner spaces, and any script", () => {
    for (const raw of ["x".repeat(200), "Ada Lovelace", "ユーザー一", "😀", "User_1", "éric"]) {
      for (const kind of opaqueKinds) assert.deepStrictEqual(normaliseKey(kind, raw), Result.succeed(raw))
    }
  })

  it("answers at once to a megabyte of what its patterns like least", () => {
    for (const kind of kinds) {
      for (const part of ["{", "{{", "${", "[[", "<%", "a@a.", '"', '" ']) {
        assert.strictEqual(codeOf(kind, part.repeat(500_000)), "malformed_key")
        assert.isAtMost(shorten(kind, part.repeat(500_000)).length, 201)
      }
    }
  })

  it("bounds an email at 254 characters, also when composing makes it longer", () => {
    const email = `ada@${[60, 60, 60, 62].map((length) => "x".repeat(length)).join(".")}.de`
    assert.strictEqual(codeOf("email", ` bo${email} `), "accepted")
    assert.strictEqual(codeOf("email", `bob${email}`), "malformed_key")
    const qa = [30, 30, 30, 30].map((length) => "\u0958".repeat(length)).join(".")
    assert.isAtMost(`${"x".repeat(20)}@${qa}.de`.length, 254)
    assert.strictEqual(codeOf("email", `${"x".repeat(20)}@${qa}.de`), "malformed_key")
  })

  it("tells an email in the wrong field", () => {
    assert.strictEqual(codeOf("anonymous", "ada@example.com"), "malformed_key")
    assert.strictEqual(codeOf("anonymous", "Ada Lovelace <ada@example.com>"), "malformed_key")
    assert.strictEqual(codeOf("anonymous", "ada@localhost"), "accepted")
    assert.strictEqual(codeOf("external", "ada@example.com"), "accepted")
  })

  it.each([
    ["  Ada@Example.COM\n", "ada@example.com"],
    ["ada+news@example.co.uk", "ada+news@example.co.uk"],
    ["e\u0301ric@example.com", "éric@example.com"],
    ["éric@bücher.example", "éric@bücher.example"],
    [`${"x".repeat(64)}@example.com`, `${"x".repeat(64)}@example.com`],
    ["undefined@example.com", "undefined@example.com"]
  ])("brings the email %j to %j", (raw, expected) => {
    assert.deepStrictEqual(normaliseKey("email", raw), Result.succeed(expected))
  })

  it.each(
    [
      [
        "ada",
        "ada.com",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@example.",
        "ada@.com",
        "ada@example..com",
        "a@b@c.com"
      ],
      ["ada lovelace@example.com", "ada@exa mple.com", "<ada@example.com>", "ada@example.com, bob@example.com"],
      ["Éric@example.com", "E\u0301ric@example.com", "\u212aelly@example.com", "İ@example.com", "ada@BÜCHER.example"],
      ["mailto:ada@example.com", "", "\ud800@example.com"],
      [`${"x".repeat(65)}@example.com`],
      [`ada@${"x".repeat(64)}.com`],
      [`ada@${"x".repeat(60)}.${"x".repeat(60)}.${"x".repeat(60)}.${"x".repeat(60)}.example`]
    ].flat()
  )("refuses %j as an email", (raw) => {
    assert.strictEqual(codeOf("email", raw), "malformed_key")
  })

  it.prop("never changes an opaque id", [Schema.Literals(opaqueKinds), Schema.String], ([kind, raw]) => {
    const result = normaliseKey(kind, raw)
    if (Result.isSuccess(result)) assert.strictEqual(result.success, raw)
  })

  const Email = Schema.String.check(Schema.isPattern(/^[A-Za-zé.+]{1,12}@[A-Za-z]{1,8}\.[A-Za-z]{2,5}$/))

  it.prop("finds one key for an email however it is padded and cased, and the same again", [Email], ([raw]) => {
    const key = Result.getOrThrow(normaliseKey("email", raw))
    const upper = raw.replace(/[a-z]+/g, (lower) => lower.toUpperCase())
    assert.deepStrictEqual(normaliseKey("email", ` ${upper}\t`), Result.succeed(key))
    assert.deepStrictEqual(normaliseKey("email", key), Result.succeed(key))
  })

  it.prop(
    "accepts only what is stable, and no two spellings that a reader cannot tell apart",
    [Schema.Literals(kinds), Schema.String],
    ([kind, raw]) => {
      const result = normaliseKey(kind, raw)
      if (Result.isFailure(result)) {
        assert.isNotEmpty(result.failure.hint)
        return
      }
      assert.deepStrictEqual(normaliseKey(kind, result.success), Result.succeed(result.success))
      assert.strictEqual(result.success.normalize("NFC").trim(), result.success)
      for (const invisible of invisibles) assert.isFalse(result.success.includes(invisible))
    }
  )
})

describe("shorten", () => {
  it.each([
    ["external", "user_12345", "user…"],
    ["anonymous", "0190aaaa-bbbb", "0190…"],
    ["external", "u1", "u…"],
    ["external", "u", "…"],
    ["external", "", "…"],
    ["external", "😀😀😀", "😀…"],
    ["email", "ada@example.com", "a…@example.com"],
    ["email", "a@example.com", "…@example.com"],
    ["email", "nonsense", "nons…"],
    ["external", "ada@example.com", "a…@example.com"],
    ["external", "\ud800bcdefgh", "\ufffdbcd…"],
    ["external", "us\u202eer\ud800_12345", "us\ufffde…"]
  ] as const)("%s %j becomes %j", (kind, value, expected) => {
    assert.strictEqual(shorten(kind, value), expected)
  })

  it.prop(
    "never shows the whole, and nothing that a terminal would obey",
    [Schema.Literals([...kinds, "contact"]), Schema.NonEmptyString],
    ([kind, value]) => {
      const shown = shorten(kind, value)
      assert.isFalse(shown.replace("…", "").includes(value))
      assert.isTrue(shown.includes("…"))
      assert.isTrue(shown.isWellFormed())
      assert.notMatch(shown, /[\p{Cc}\p{Cf}]/u)
      assert.isAtMost(shown.length, 201)
    }
  )
})

describe("isCertifiedShape", () => {
  it.each([
    ["66687aad-f862-8d77-ac8f-c18b8e9f8e20", true],
    ["66687aad-f862-8d77-8c8f-c18b8e9f8e20", true],
    ["66687AAD-f862-8d77-ac8f-c18b8e9f8e20", false],
    ["66687aad-f862-4d77-ac8f-c18b8e9f8e20", false],
    ["66687aad-f862-7d77-ac8f-c18b8e9f8e20", false],
    ["66687aad-f862-8d77-cc8f-c18b8e9f8e20", false],
    ["66687aadf8628d77ac8fc18b8e9f8e20", false],
    ["66687aad-f862-8d77-ac8f-c18b8e9f8e20\n", false],
    ["x66687aad-f862-8d77-ac8f-c18b8e9f8e20", false]
  ])("%j: %s", (value, expected) => {
    assert.strictEqual(isCertifiedShape(value), expected)
  })
})
