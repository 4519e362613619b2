/** The order in which a time zone is looked for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { resolveTimezone, type TimezoneSources } from "../../src/PersonReads/resolveTimezone.ts"
import { timeZoneName } from "../../src/timeZoneName.ts"

const slots = 6

/** What is said, in the order of whom it is believed. */
const sources = (said: ReadonlyArray<unknown>): TimezoneSources =>
  ({
    explicit: said[0],
    person: { $timezone: said[1], $geoip_time_zone: said[2] },
    contact: { timezone: said[3], properties: { timezone: said[4] } },
    standard: said[5]
  }) as TimezoneSources

const Said = Schema.Union([
  Schema.Literals(["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"]),
  Schema.Literals(["Mars/Olympus", "+02:00", "CEST-ish", "../etc", " Europe/Berlin", ""]),
  Schema.Literals([0, 42, true]),
  Schema.Null,
  Schema.Undefined,
  Schema.Record(Schema.String, Schema.String)
])
const SixTimes = Schema.Tuple([Said, Said, Said, Said, Said, Said])

describe("The time zone", () => {
  it.effect.prop("is the first that names one, or UTC; what was passed over on the way is told", [SixTimes], ([said]) =>
    Effect.sync(() => {
      const { invalid, timezone } = resolveTimezone(sources(said))
      const first = said.findIndex((value) => timeZoneName(value) !== undefined)
      assert.strictEqual<unknown>(timezone, first === -1 ? "UTC" : said[first])
      const before = first === -1 ? said : said.slice(0, first)
      const wrong = before.filter((value) => value !== null && value !== undefined && value !== "")
      assert.strictEqual(invalid.length, wrong.length)
      assert.strictEqual(new Set(invalid).size, wrong.length)
    })
  )

  it("has six sources before UTC", () => {
    const zones = ["Europe/Berlin", "Asia/Tokyo", "America/New_York", "Europe/Rome", "Africa/Cairo", "Asia/Dubai"]
    for (let left = 0; left <= slots; left++) {
      const said = zones.map((zone, slot) => (slot < left ? undefined : zone))
      assert.strictEqual(resolveTimezone(sources(said)).timezone, zones[left] ?? "UTC")
    }
  })
})

describe("A time zone's name", () => {
  it.each([
    ["Europe/Berlin", "Europe/Berlin"],
    ["europe/berlin", "Europe/Berlin"],
    ["utc", "UTC"],
    ["America/Port-au-Prince", "America/Port-au-Prince"],
    ["Etc/GMT+5", "Etc/GMT+5"],
    ["America/Argentina/Buenos_Aires", "America/Buenos_Aires"]
  ])("of %s is %s", (text, name) => {
    // Which of two names of one zone is the canonical one changed with the releases of ICU.
    assert.include([name, text], timeZoneName(text))
  })

  it.each([
    "",
    " ",
    "+02:00",
    "-0500",
    "Mars/Olympus",
    "Europe/Berlin ",
    "Europe/Berlin\0",
    "a".repeat(100_000),
    2,
    null,
    {},
    ["UTC"]
  ])("is not %j", (text) => assert.isUndefined(timeZoneName(text)))
})
