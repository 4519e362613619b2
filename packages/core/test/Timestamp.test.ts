import { Option, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { Timestamp } from "../src/Timestamp.ts"

const decode = (text: string) => Option.getOrUndefined(Schema.decodeUnknownOption(Timestamp)(text))?.toISOString()

describe("Timestamp", () => {
  it.each([
    ["2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00.000Z"],
    ["2026-11-22T10:00Z", "2026-11-22T10:00:00.000Z"],
    ["2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00.123Z"],
    ["2026-11-22T01:00:00+02:00", "2026-11-21T23:00:00.000Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"]
  ])("%s is %s", (text, instant) => expect(decode(text)).toBe(instant))

  it.each([
    "2026-02-30T10:00:00Z",
    "2027-02-29T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-00-10T10:00:00Z",
    "2026-11-22T25:00:00Z",
    "2026-11-22T10:61:00Z",
    "2026-11-22T10:00:00",
    "2026-11-22",
    "22 November 2026",
    "1795338763",
    ""
  ])("%j is no instant", (text) => expect(decode(text)).toBeUndefined())
})
