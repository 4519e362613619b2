/** The digests against the published test vectors; the comparison against plain equality. */
import { assert, describe, it } from "@effect/vitest"
import * as Hex from "effect/encoding/Hex"
import * as Schema from "effect/Schema"
import { constantTimeEquals, hmacSha256, randomBytes, sha256, sha256Hex } from "../src/SyncCrypto.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

describe("SyncCrypto", () => {
  it("agrees with FIPS 180-4 for 'abc'", () => {
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert.strictEqual(sha256Hex("abc"), expected)
    assert.strictEqual(Hex.encode(sha256("abc")), expected)
    assert.strictEqual(Hex.encode(sha256(new TextEncoder().encode("abc"))), expected)
  })

  it("agrees with RFC 4231, test case 2", () => {
    assert.strictEqual(
      Hex.encode(hmacSha256("Jefe", "what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
  })

  it("makes as many random bytes as asked, and others each time", () => {
    assert.strictEqual(randomBytes(32).length, 32)
    assert.notDeepEqual(randomBytes(32), randomBytes(32))
  })

  it.prop("compares like ===, whatever the lengths", [Schema.String, Schema.String], ([a, b]) => {
    assert.isTrue(constantTimeEquals(bytes(a), bytes(a)))
    assert.strictEqual(constantTimeEquals(bytes(a), bytes(b)), a.toWellFormed() === b.toWellFormed())
    assert.isFalse(constantTimeEquals(bytes(a), bytes(`${a}x`)))
  })
})
