/** Which changes are told, how, and which are refused. */
import { describe, expect, it } from "@effect/vitest"
import type { PersonChange } from "@hogsend/core"
import { Result } from "effect"
import { groupSet, personSet } from "../../src/PersonWrites/changeRules.ts"

const told = (change: PersonChange) => Result.getOrThrow(personSet(change))

const refused = (result: Result.Result<unknown, { readonly error: string }>) =>
  Result.isFailure(result) ? result.failure.error : "nothing was refused"

describe("A change of a person", () => {
  it("is told as it is, without what is not there", () => {
    const set = { plan: "pro", seats: 3, tags: ["a", { b: null }], gone: undefined }
    expect(told({ distinctId: "u_1", set, setOnce: { first: true }, unset: ["old", "old"] })).toEqual({
      distinctId: "u_1",
      event: {
        type: "person.set",
        data: {
          distinctId: "u_1",
          set: { plan: "pro", seats: 3, tags: ["a", { b: null }] },
          setOnce: { first: true },
          unset: ["old"]
        }
      }
    })
    expect(told({ distinctId: "u_1", unset: ["old"] })?.event.data).toEqual({ distinctId: "u_1", unset: ["old"] })
  })

  it("with nothing to set and nothing to unset is none", () => {
    expect(told({ distinctId: "u_1" })).toBe(null)
    expect(told({ distinctId: "u_1", set: {}, setOnce: { a: undefined }, unset: [] })).toBe(null)
  })

  it("is refused when a bag breaks the rules of a contact's properties; the sentence says where", () => {
    const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) })
    for (const set of [
      { big: "x".repeat(33 * 1024) },
      { deep: nested(20) },
      { when: new Date() },
      { f: () => 1 },
      { n: Number.NaN },
      { nul: "a\0b" },
      { half: "\ud800" },
      JSON.parse('{"__proto__": {"admin": true}}'),
      { "": 1 },
      { ["n".repeat(201)]: 1 }
    ]) {
      expect(refused(personSet({ distinctId: "u_1", set }))).toMatch(/^set\b.*\S/)
      expect(refused(personSet({ distinctId: "u_1", setOnce: set }))).toMatch(/^setOnce\b/)
    }
    expect(refused(personSet({ distinctId: "u_1", unset: ["constructor"] }))).toMatch(/^unset\b/)
    expect(refused(personSet({ distinctId: "u_1", set: "pro" as never }))).toMatch(/^set is no object/)
    expect(refused(personSet({ distinctId: "u_1", set: [1] as never }))).toMatch(/^set is no object/)
  })

  it("is refused under an id that many people would share, or that is none, and does not repeat it", () => {
    for (const distinctId of ["undefined", "", " u", "$posthog_cookieless", "x".repeat(201), "a\0b", 7 as never]) {
      const error = refused(personSet({ distinctId, set: { a: 1 } }))
      expect(error).toMatch(/^distinctId /)
    }
    expect(refused(personSet({ distinctId: "{{user.id}}", set: { a: 1 } }))).not.toContain("user.id")
  })
})

describe("A change of a group", () => {
  it("is told without properties, too, by the same rules", () => {
    expect(groupSet({ groupType: "company", groupKey: "acme" })).toEqual(
      Result.succeed({
        distinctId: null,
        event: { type: "group.set", data: { groupType: "company", groupKey: "acme", properties: {} } }
      })
    )
    expect(refused(groupSet({ groupType: "", groupKey: "acme" }))).toMatch(/^groupType /)
    expect(refused(groupSet({ groupType: "company", groupKey: "null" }))).toMatch(/^groupKey /)
    expect(refused(groupSet({ groupType: "c", groupKey: "a", properties: { f: () => 1 } }))).toMatch(/^properties/)
  })
})
