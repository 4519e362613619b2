/** What leaves the house, as a receiver and as a subscriber meet it. */
import { Option, Result, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { outboundEventNames, OutboundEnvelope, SubscribedEventName } from "../src/Outbound.ts"

const envelope = {
  id: "msg_01a20436-8bd0-7000-b2fe-1ac21ad6e1ad",
  type: "contact.created",
  timestamp: "2026-11-22T10:00:00.000Z",
  data: {}
}
const isEnvelope = (value: unknown) => Option.isSome(Schema.decodeUnknownOption(OutboundEnvelope)(value))

describe("An envelope", () => {
  it("is of the catalog or a test, whatever the size and depth of its data", () => {
    let deep: Schema.Json = "x".repeat(100_000)
    for (let level = 0; level < 40; level++) deep = { deep }
    expect(isEnvelope({ ...envelope, data: { deep } })).toBe(true)
    expect(isEnvelope({ ...envelope, type: "webhook.test" })).toBe(true)
    expect(isEnvelope({ ...envelope, type: "contact.seen" })).toBe(false)
    expect(isEnvelope({ ...envelope, id: "01a20436-8bd0-7000-b2fe-1ac21ad6e1ad" })).toBe(false)
  })
})

describe("A subscription", () => {
  const subscribe = (name: unknown) => Schema.decodeUnknownResult(SubscribedEventName)(name)

  it("is to anything of the catalog", () => {
    for (const name of outboundEventNames) expect(subscribe(name)).toEqual(Result.succeed(name))
  })

  it.each(["webhook.test", "*", "", "Contact.created", "contact.created "])("is not to %j", (name) =>
    expect(String(Result.getOrThrow(Result.flip(subscribe(name))))).toMatch(
      /no event of this name. Did you mean \w+\.\w+\?/
    )
  )
})
