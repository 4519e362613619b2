/** What is sealed opens at its own place, under a secret that is known, unaltered: and nowhere else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Schema } from "effect"
import { type Place, SealBroken, Sealing, SealingKeyMissing } from "../../src/Sealing.ts"

const secretOf = (name: string) => Redacted.make(`${name} ${"secret of tests ".repeat(3)}`)

const under = (current: string, ...previous: ReadonlyArray<string>) =>
  Effect.provide(Sealing, Sealing.layer({ secrets: [secretOf(current), ...previous.map(secretOf)] }))

const place: Place = { purpose: "tests", table: "things", row: "1", column: "sealed" }
const bytes = (text: string) => new TextEncoder().encode(text)
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

describe("Sealing", () => {
  it.effect.prop(
    "opens what it sealed, whatever it is and wherever it belongs",
    [Schema.Uint8Array, Schema.Array(Schema.String)],
    ([plain, [purpose = "", table = "", row = "", column = ""]]) =>
      Effect.gen(function* () {
        const sealing = yield* under("first")
        const there = { purpose, table, row, column }
        assert.deepStrictEqual(yield* sealing.open(sealing.seal(plain, there), there), plain)
      })
  )

  it.effect("seals the same to another text each time, which tells nothing of it", () =>
    Effect.gen(function* () {
      const sealing = yield* under("first")
      const plain = bytes("a plain text that would show")
      const all = Array.from({ length: 100 }, () => sealing.seal(plain, place))
      assert.lengthOf([...new Set(all)], 100)
      for (const sealed of all) {
        assert.match(sealed, /^v1\.[\w-]{11}\.[\w-]+$/)
        assert.notInclude(Buffer.from(sealed.split(".")[2] ?? "", "base64url").toString("latin1"), "plain")
      }
    })
  )

  it.effect("refuses every other character at every place, one left out, and one put in", () =>
    Effect.gen(function* () {
      const sealing = yield* under("first", "second")
      const refused = (altered: string) =>
        Effect.map(Effect.result(sealing.open(altered, place)), (result) =>
          assert.isTrue(Result.isFailure(result), altered)
        )
      // Of three lengths: with two of them the last character has bits that say nothing.
      for (const sealed of ["a", "ab", "abc"].map((plain) => sealing.seal(bytes(plain), place))) {
        for (let at = 0; at < sealed.length; at++) {
          for (const character of `${alphabet}.=+/ \n`) {
            if (character === sealed[at]) continue
            yield* refused(sealed.slice(0, at) + character + sealed.slice(at + 1))
          }
          yield* refused(sealed.slice(0, at) + sealed.slice(at + 1))
          yield* refused(`${sealed.slice(0, at)}A${sealed.slice(at)}`)
        }
        yield* refused(`${sealed}=`)
        yield* refused(`${sealed}.A`)
      }
      yield* refused("")
    })
  )

  it.effect("refuses every flipped bit of the iv, the ciphertext and the tag as broken", () =>
    Effect.gen(function* () {
      const sealing = yield* under("first")
      const [version = "", keyId = "", body = ""] = sealing.seal(bytes("thing"), place).split(".")
      const right = Buffer.from(body, "base64url")
      for (let bit = 0; bit < right.length * 8; bit++) {
        const flipped = Buffer.from(right)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const altered = `${version}.${keyId}.${flipped.toString("base64url")}`
        assert.deepStrictEqual(yield* Effect.flip(sealing.open(altered, place)), new SealBroken(), `bit ${bit}`)
      }
    })
  )

  it.effect(
    "opens at no other table, row or column, for no other purpose, and not at parts that only add up alike",
    () =>
      Effect.gen(function* () {
        const sealing = yield* under("first")
        const sealed = sealing.seal(bytes("thing"), place)
        const others: ReadonlyArray<Partial<Place>> = [
          { purpose: "other" },
          { table: "other" },
          { row: "2" },
          { column: "other" },
          { table: "things1", row: "" },
          { table: 'things","1', row: "sealed" }
        ]
        for (const elsewhere of others) {
          assert.deepStrictEqual(
            yield* Effect.flip(sealing.open(sealed, { ...place, ...elsewhere })),
            new SealBroken(),
            JSON.stringify(elsewhere)
          )
        }
      })
  )

  it.effect("another secret in front seals from now on, and what lies under the old one still opens", () =>
    Effect.gen(function* () {
      const [before, after] = [yield* under("first"), yield* under("second", "first")]
      const [old, renewed] = [before.seal(bytes("thing"), place), after.seal(bytes("thing"), place)]
      assert.deepStrictEqual(yield* after.open(old, place), bytes("thing"))
      assert.isTrue(before.isCurrent(old))
      assert.isFalse(after.isCurrent(old))
      assert.isTrue(after.isCurrent(renewed))
      assert.isFalse(after.isCurrent("nonsense"))
    })
  )

  it.effect("a secret that is not here is missing, and told from a broken seal by its id", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* under("first"), yield* under("other")]
      const sealed = theirs.seal(bytes("thing"), place)
      const keyId = sealed.split(".")[1] ?? ""
      assert.deepStrictEqual(yield* Effect.flip(mine.open(sealed, place)), new SealingKeyMissing({ keyId }))
      const claimed = sealed.replace(keyId, mine.seal(bytes("thing"), place).split(".")[1] ?? "")
      assert.deepStrictEqual(yield* Effect.flip(mine.open(claimed, place)), new SealBroken())
    })
  )
})
