/** What each answer means: the table of outcomes. */
import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { judge, type Tried } from "../../src/DestinationQueue/judge.ts"
import { defaultSchedule } from "../../src/DestinationQueue/retryDelay.ts"

const tried = (given: Partial<Tried>): Tried => ({
  answer: { error: "The connection was reset." },
  isSuccess: undefined,
  ownUrl: true,
  attempt: 1,
  lastStatus: null,
  schedule: defaultSchedule,
  random: 0.5,
  now: 0,
  ...given
})

const answered = (status: number, given: Partial<Tried> = {}, headers = {}) =>
  judge(tried({ answer: { status, headers, body: "no" }, ...given }))

const Status = Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 599 }))
const Attempt = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10 }))

describe("An answer", () => {
  it.prop("is a success when it is a 2xx, and only then", [Status, Attempt], ([status, attempt]) => {
    expect(answered(status, { attempt }).status === "delivered").toBe(status >= 200 && status < 300)
  })

  it.prop("of an attempt that is not the last one ends nothing for good but by 2xx and 410", [Status], ([status]) => {
    const ended = answered(status).status !== "pending"
    expect(ended).toBe((status >= 200 && status < 300) || status === 410)
  })

  it.each([301, 307, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504, 599])("%i follows the schedule", (status) => {
    expect(answered(status)).toEqual({
      status: "pending",
      delay: 5000,
      error: `The receiver answered ${status}.`,
      endpoint: "fails"
    })
    expect(answered(status, { attempt: 9, lastStatus: status })).toMatchObject({ status: "pending", delay: 86_400_000 })
    expect(answered(status, { attempt: 10, lastStatus: status })).toMatchObject({ status: "dead", endpoint: "fails" })
  })

  it.each([400, 413, 422])("%i is dead after one retry, and says nothing against the endpoint", (status) => {
    expect(answered(status)).toMatchObject({ status: "pending", delay: 5000, endpoint: "refuses" })
    expect(answered(status, { attempt: 2, lastStatus: 422 })).toMatchObject({ status: "dead", endpoint: "refuses" })
    // What failed before said nothing of the message.
    expect(answered(status, { attempt: 2, lastStatus: 500 })).toMatchObject({ status: "pending" })
    expect(answered(status, { attempt: 2, lastStatus: null })).toMatchObject({ status: "pending" })
    // An operator has asked for it once more: it begins anew.
    expect(answered(status, { attempt: 1, lastStatus: status })).toMatchObject({ status: "pending", delay: 5000 })
  })

  it("410 says that the endpoint is gone", () => {
    expect(answered(410)).toMatchObject({ status: "discarded", endpoint: "gone" })
  })

  it("410 to a URL that the destination made ends the delivery, and says nothing against the endpoint", () => {
    expect(answered(410, { ownUrl: false })).toMatchObject({ status: "dead", endpoint: "refuses" })
  })

  it("that never came follows the schedule", () => {
    expect(judge(tried({ attempt: 2 }))).toEqual({
      status: "pending",
      delay: 300_000,
      error: "The connection was reset.",
      endpoint: "fails"
    })
    expect(judge(tried({ attempt: 10 }))).toMatchObject({ status: "dead" })
  })

  it("may ask for more time, in seconds or as a date", () => {
    expect(answered(429, {}, { "retry-after": "60" })).toMatchObject({ delay: 60_000 })
    expect(
      answered(503, { now: Date.parse("2026-11-22T10:00:00Z") }, { "retry-after": "Sun, 22 Nov 2026 10:01:00 GMT" })
    ).toMatchObject({ delay: 60_000 })
    expect(answered(503, {}, { "retry-after": "1" })).toMatchObject({ delay: 5000 })
    expect(answered(400, {}, { "retry-after": "60" })).toMatchObject({ delay: 60_000 })
  })

  it("is judged by the destination where that knows better", () => {
    const isSuccess = ({ body, status }: { status: number; body: string }) => status === 500 && body === "no"
    expect(answered(500, { isSuccess })).toMatchObject({ status: "delivered", error: null, endpoint: "works" })
    expect(answered(200, { isSuccess })).toMatchObject({ status: "pending", endpoint: "fails" })
  })

  it.each([300, 301, 302, 304, 307, 308, 399])("%i is a failure, whatever the destination makes of it", (status) => {
    expect(answered(status, { isSuccess: () => true })).toMatchObject({ status: "pending", endpoint: "fails" })
  })
})
