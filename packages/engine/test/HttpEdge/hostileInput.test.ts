/** Every field of every body, and every query and path, filled with what breaks parsers: never a fault of ours. */

// A label tells which of many cases failed.
import { describe, expect, layer } from "@effect/vitest"
import { type Answer, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { expectRefusal } from "../expectRefusal.ts"
import { rawRequest } from "../rawRequest.ts"

/** It may be refused, but it is never a fault of ours, and a refusal is the envelope. */
const expectNoFault = (answer: Answer, label: string) => {
  if (answer.status < 400) return
  expect(answer.status, `${label}: ${JSON.stringify(answer.body)}`).toBeLessThan(500)
  expectRefusal(answer, answer.status, answer.body?._tag, undefined, label)
  expect(JSON.stringify(answer.body).length, `${label}: what is wrong is not told back at length`).toBeLessThan(2000)
}

const words = (text: string) => text.split(" ")

const deepArray = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
const deepObject = `${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`
const long = "x".repeat(200_000)
const manyNames = `{${Array.from({ length: 9000 }, (_, n) => `"k${n}":1`).join()}}`

/** As JSON text. */
const values: ReadonlyArray<string> = [
  words('null 1e400 -1e400 1e308 5e-324 -0 123456789012345678901234567890 [] {} ""'),
  words('{"__proto__":1} {"constructor":{"prototype":1}} {"toString":1} {"":1}'),
  words('"9999-12-31T23:59:59Z" "0000-01-01T00:00:00Z" "2026-02-30T00:00:00Z" "2026-13-45T99:99:99Z"'),
  // NUL and lone surrogates, which Postgres refuses, as a value and as a name at some depth.
  words("\\u0000 \\ud800 \\udc00\\ud800").flatMap((text) => [`"a${text}b"`, `{"a${text}b":"x"}`, `{"a":["${text}"]}`]),
  words("\\uffff \\ufeff \\u202e \\u001b[2J").map((text) => `"a${text}b"`),
  [deepArray, deepObject, `{"a":${deepArray}}`, `"${long}"`, `["${long}"]`, `{"${long}":1}`, manyNames]
].flat()

/** Bodies that are good before a field of them is replaced. */
const bodies: ReadonlyArray<readonly [method: string, path: string, good: string, fields: string]> = [
  [
    "POST",
    "/v1/events",
    '"name":"e","userId":"u_edge"',
    "userId email anonymousId name eventProperties contactProperties value currency groups lists idempotencyKey timestamp userToken source __proto__ toString"
  ],
  ["PUT", "/v1/contacts", '"userId":"u_edge"', "userId email anonymousId properties lists userToken __proto__"],
  ["DELETE", "/v1/contacts", '"userId":"u_edge"', "userId email anonymousId"],
  ["POST", "/v1/admin/api-keys", '"name":"k"', "name scopes publishable allowedOrigins expiresAt"]
]

/** As they are sent: percent-encoded or not, or wrongly. */
const queries = [...words("%00 %ED%A0%80 % %zz %F0%9F a%0Ab %2525 %5C %25 _ ' []=x"), "x".repeat(5000)]

const targets = [
  words("/v1/admin/events?name= /v1/admin/events?contactId= /v1/admin/contacts?search= /v1/admin/contacts/ /v1/"),
  words(
    "/v1/admin/warnings?code= /v1/admin/warnings/ /v1/admin/audit-logs?offset= /v1/admin/api-keys?limit= /v1/admin/api-keys/"
  ),
  words("/v1/contacts/find?userId= /v1/contacts/find?email= /v1/contacts/find?anonymousId= /v1/contacts/me?userId="),
  words("/v1/contacts/me?anonymousId= /v1/contacts/me?userId=u&userToken=")
].flat()

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Hostile input", (it) => {
  describe.each(bodies)("%s %s", (method, path, good, fields) => {
    it.effect.each(words(fields))("survives every %s", (field) =>
      Effect.gen(function* () {
        const { request, secret } = yield* TestHogsend
        const survive = (value: string) =>
          // The last of two equal names wins.
          Effect.map(request(method, path, { key: secret, rawBody: `{${good},"${field}":${value}}` }), (answer) =>
            expectNoFault(answer, `${field}: ${value.slice(0, 60)}`)
          )
        yield* Effect.forEach(values, survive, { concurrency: 8, discard: true })
      })
    )
  })

  it.effect.each(words(bodies[0]![3]))("a batch survives every %s of an event, and so does its neighbour", (field) =>
    Effect.gen(function* () {
      const { request, secret } = yield* TestHogsend
      const [, , good] = bodies[0]!
      const survive = (value: string) =>
        Effect.map(
          request("POST", "/v1/events/batch", {
            key: secret,
            rawBody: `{"events":[{${good},"${field}":${value}},{"name":"e","userId":"u_neighbour"},${value}]}`
          }),
          ({ body, status }) => {
            const label = `${field}: ${value.slice(0, 60)}`
            expect(status, label).toBe(202)
            expect(body.results[1].status, label).toBe("stored")
            expect(body.results[2].status, label).toBe("rejected")
            expect(JSON.stringify(body), label).not.toContain("InternalFault")
            expect(JSON.stringify(body).length, `${label}: what is wrong is not told back at length`).toBeLessThan(5000)
          }
        )
      yield* Effect.forEach(values, survive, { concurrency: 8, discard: true })
    })
  )

  it.effect.each(targets)("GET %s survives every value", (target) =>
    Effect.gen(function* () {
      const { secret, url } = yield* TestHogsend
      for (const value of queries) {
        const headers = { authorization: `Bearer ${secret}` }
        expectNoFault(yield* rawRequest(url, { method: "GET", path: target + value, headers }), value)
      }
    })
  )
})
