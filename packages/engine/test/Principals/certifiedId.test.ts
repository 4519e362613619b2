import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { certifiedAnonymousId } from "../../src/Principals/certifiedId.ts"
import { isCertifiedShape } from "../../src/IdentityKey.ts"
import { randomBytes } from "../../src/SyncCrypto.ts"

const zeroes = "A".repeat(43)

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const SecretBytes = Schema.Array(Byte).check(Schema.isMinLength(32), Schema.isMaxLength(32))

describe("certifiedAnonymousId", () => {
  it("is the one that other implementations must compute for 32 zero bytes", () => {
    // SHA-256 of 32 zero bytes begins 66687aadf862bd776c8fc18b8e9f8e20.
    assert.deepStrictEqual(certifiedAnonymousId(zeroes), Result.succeed("66687aad-f862-8d77-ac8f-c18b8e9f8e20"))
  })

  it.prop("is the digest's first 16 bytes but for six bits, and has the certified shape", [SecretBytes], ([bytes]) => {
    const secret = Uint8Array.from(bytes)
    const id = Result.getOrThrow(certifiedAnonymousId(Base64Url.encode(secret)))
    const digest = createHash("sha256").update(secret).digest("hex").slice(0, 32)
    const hex = id.replaceAll("-", "")
    assert.isTrue(isCertifiedShape(id))
    assert.strictEqual(hex.slice(0, 12) + hex.slice(13, 16), digest.slice(0, 12) + digest.slice(13, 16))
    assert.strictEqual(hex.slice(17), digest.slice(17))
  })

  it("gives each secret an id of its own", () => {
    const ids = Array.from({ length: 200 }, () => certifiedAnonymousId(Base64Url.encode(randomBytes(32))))
    assert.strictEqual(new Set(ids.map((id) => Result.getOrThrow(id))).size, 200)
  })

  it.each([
    ["empty", ""],
    ["31 bytes", "A".repeat(42)],
    ["33 bytes", "A".repeat(44)],
    ["padding", `${zeroes}=`],
    ["padding in place of a character", `${"A".repeat(42)}=`],
    ["unused bits that are set", `${"A".repeat(42)}B`],
    ["base64 instead of base64url", `+/${"A".repeat(41)}`],
    ["a line break", `${"A".repeat(42)}\n`],
    ["a line break inside", `AA\n${"A".repeat(40)}`],
    ["a space", ` ${"A".repeat(42)}`],
    ["a character outside ASCII", `é${"A".repeat(42)}`],
    ["hex", "00".repeat(32)]
  ])("refuses %s", (_, secret) => {
    assert.isTrue(Result.isFailure(certifiedAnonymousId(secret)))
  })
})
