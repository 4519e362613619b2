/** The digests against the published test vectors; the comparison against plain equality. */
import { assert, describe, it } from "@effect/vitest"
import * as Hex from "effect/encoding/Hex"
import * as Schema from "effect/Schema"
import * as Result from "effect/Result"
import {
  constantTimeEquals,
  decryptAes256Gcm,
  encryptAes256Gcm,
  hkdfSha256,
  hmacSha256,
  randomBytes,
  sha256,
  sha256Hex
} from "../src/SyncCrypto.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const unhex = (text: string) => Result.getOrThrow(Hex.decode(text))

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

  it("agrees with RFC 5869, test cases 1 and 3, in the first 32 bytes", () => {
    const ikm = unhex("0b".repeat(22))
    assert.strictEqual(
      Hex.encode(hkdfSha256(ikm, unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"))),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    )
    assert.strictEqual(
      Hex.encode(hkdfSha256(ikm, "", "")),
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    )
  })

  it("agrees with test case 16 of the specification of GCM, and opens it", () => {
    const key = unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    const iv = unhex("cafebabefacedbaddecaf888")
    const associated = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    const plain = unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    const sealed = encryptAes256Gcm(key, iv, plain, associated)
    assert.strictEqual(
      Hex.encode(sealed),
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
    )
    assert.deepStrictEqual(decryptAes256Gcm(key, iv, sealed, associated), Result.succeed(plain))
    assert.isTrue(Result.isFailure(decryptAes256Gcm(key, iv, sealed, associated.subarray(1))))
    assert.isTrue(Result.isFailure(decryptAes256Gcm(key, iv, sealed.subarray(0, 8), associated)))
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
