/** `POST /v1/events` through real HTTP: what is kept of an event, what is refused, and that a retry is stored once. */

// A label tells which of many cases failed.
import { expect, layer } from "@effect/vitest"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { newDevice } from "../newDevice.ts"
import { inSeconds, signPayload, signToken } from "../signToken.ts"
import { countRows, storedPeople, storedState } from "../storedState.ts"

type Body = Readonly<Record<string, unknown>>
type Headers = Readonly<Record<string, string>>

const track = Effect.fnUntraced(function* (body: Body, headers: Headers = {}) {
  const { asServer } = yield* TestHogsend
  return yield* asServer("POST", "/v1/events", { name: "tested", ...body }, headers)
})

const trackAsBrowser = Effect.fnUntraced(function* (body: Body, headers: Headers = {}) {
  const { asBrowser } = yield* TestHogsend
  return yield* asBrowser("POST", "/v1/events", { name: "tested", ...body }, headers)
})

const lastEvent = Effect.gen(function* () {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", "/v1/admin/events?limit=1")
  return body.events[0]
})

const contactOf = Effect.fnUntraced(function* (claims: Record<string, string>) {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", `/v1/contacts/find?${new URLSearchParams(claims)}`)
  expect(body.contacts).toHaveLength(1)
  return body.contacts[0]
})

const codesOf = ({ body }: Answer): ReadonlyArray<string> =>
  (body.warnings ?? []).map((warning: { code: string }) => warning.code)

const stored = { status: 202, body: { stored: true } }
const duplicate = { status: 202, body: { stored: false, exits: [] } }
const reused = { status: 409, body: { _tag: "IdempotencyKeyReused" } }

/** Refused with a 400 that says where, and nothing is stored. */
const invalid = Effect.fnUntraced(function* (body: Body, headers: Headers = {}) {
  const before = yield* storedState
  const answer = yield* track(body, headers)
  expect(answer, JSON.stringify(body).slice(0, 100)).toMatchObject({ status: 400, body: { _tag: "RequestInvalid" } })
  expect(yield* storedState).toEqual(before)
  return answer.body.issues[0].path.join(".")
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Events", (it) => {
  it.effect("what is the event's stays with the event, what is the contact's goes to the contact", () =>
    Effect.gen(function* () {
      const answer = yield* track({
        userId: "u_apart",
        eventProperties: { path: "/pricing", plan: "of the event" },
        contactProperties: { plan: "of the contact" }
      })
      expect(answer.status).toBe(202)
      expect(answer.body).toEqual({
        stored: true,
        exits: [],
        contactKey: "u_apart",
        contactKeyKind: "external",
        safeToIdentify: true
      })
      expect((yield* contactOf({ userId: "u_apart" })).properties).toEqual({ plan: "of the contact" })
      const event = yield* lastEvent
      expect(event.properties).toEqual({ path: "/pricing", plan: "of the event" })
      expect(event).toMatchObject({ contactId: (yield* contactOf({ userId: "u_apart" })).id, contactKey: "u_apart" })
    })
  )

  it.effect("what was not sent is null", () =>
    Effect.gen(function* () {
      yield* track({ userId: "u_null" })
      expect(yield* lastEvent).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: "tested",
        contactId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        contactKey: "u_null",
        source: "api",
        vouchedBy: "server",
        properties: {},
        value: null,
        currency: null,
        groups: null,
        idempotencyKey: null,
        occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      })
    })
  )

  it.effect("any one key suffices for a server", () =>
    Effect.gen(function* () {
      const byUser = yield* track({ userId: "u_alone" })
      expect(byUser).toMatchObject({ status: 202, body: { contactKey: "u_alone", contactKeyKind: "external" } })
      const byAnonymous = yield* track({ anonymousId: "a_alone" })
      expect(byAnonymous).toMatchObject({ status: 202, body: { contactKey: "a_alone", contactKeyKind: "anonymous" } })
      const byEmail = yield* track({ email: " Alone@Example.com " })
      const contact = yield* contactOf({ email: "alone@example.com" })
      expect(byEmail).toMatchObject({
        status: 202,
        body: { contactKey: contact.id, contactKeyKind: "contact", safeToIdentify: false }
      })
      expect((yield* contactOf({ anonymousId: "a_alone" })).source).toBe("api")
    })
  )

  it.effect("about nobody: 400", () =>
    Effect.gen(function* () {
      const before = yield* storedState
      const answer = yield* track({ eventProperties: { a: 1 } })
      expect(answer).toMatchObject({ status: 400, body: { _tag: "IdentityMissing" } })
      expect(answer.body.error).toMatch(/userId, email or anonymousId/)
      expect(answer.body.warnings).toBeUndefined()
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("a junk key is a warning, and the event lands on the others", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const answer = yield* track({ userId: "undefined", email: "no address", anonymousId: "a_junk" })
      expect(answer).toMatchObject({ status: 202, body: { stored: true, contactKey: "a_junk" } })
      expect(answer.body.warnings).toMatchObject([
        { code: "junk_key", key: { kind: "external" } },
        { code: "malformed_key", key: { kind: "email" } }
      ])
      expect(yield* contactOf({ anonymousId: "a_junk" })).toMatchObject({ externalId: null, email: null })
      const kept = yield* asServer("GET", "/v1/admin/warnings")
      for (const { code, hint, key } of answer.body.warnings) {
        const kind = kept.body.warnings.find((warning: { code: string }) => warning.code === code)
        expect(kind, code).toMatchObject({ total: 1, sources: { api: 1 }, examples: [{ key, hint, source: "api" }] })
      }
      for (const userId of [
        "$posthog_cookieless",
        "{{user.id}}",
        " spaced ",
        "x".repeat(201),
        "zero\u200bwidth",
        "00000000-0000-0000-0000-000000000000"
      ]) {
        const lands = yield* track({ userId, email: "junk@example.com" })
        expect(lands, userId).toMatchObject({ status: 202, body: { contactKeyKind: "contact" } })
        expect(codesOf(lands), userId).toHaveLength(1)
        expect(JSON.stringify(lands.body.warnings)).not.toContain(JSON.stringify(userId))
      }
    })
  )

  it.effect("with no key left it is a 400 that says why of each", () =>
    Effect.gen(function* () {
      const before = yield* storedPeople
      const answer = yield* track({ userId: "null", email: "nobody", anonymousId: "[object Object]" })
      expect(answer).toMatchObject({
        status: 400,
        body: {
          _tag: "IdentityMissing",
          warnings: [
            { code: "junk_key", key: { kind: "external" } },
            { code: "malformed_key", key: { kind: "email" } },
            { code: "junk_key", key: { kind: "anonymous" } }
          ]
        }
      })
      expect(yield* storedPeople).toEqual(before)
    })
  )

  it.effect("value, currency and groups are columns of their own", () =>
    Effect.gen(function* () {
      yield* track({ userId: "u_money", value: 12.345, currency: "eur", groups: { company: "acme", team: "red" } })
      expect(yield* lastEvent).toMatchObject({
        value: 12.345,
        currency: "EUR",
        groups: { company: "acme", team: "red" },
        properties: {}
      })
      yield* track({ userId: "u_money", value: -5 })
      expect(yield* lastEvent).toMatchObject({ value: -5, currency: null, groups: null })
      yield* track({ userId: "u_money", value: 0, currency: "USD" })
      expect(yield* lastEvent).toMatchObject({ value: 0, currency: "USD" })
      yield* track({ userId: "u_money", currency: "USD" })
      expect(yield* lastEvent).toMatchObject({ value: null, currency: null })
      expect((yield* contactOf({ userId: "u_money" })).properties).toEqual({})
    })
  )

  it.effect("a request that does not fit says where", () =>
    Effect.gen(function* () {
      const userId = "u_invalid"
      expect(yield* invalid({ userId, name: "" })).toBe("payload.name")
      expect(yield* invalid({ userId, name: "x".repeat(201) })).toBe("payload.name")
      expect(yield* invalid({ userId, name: "two\nlines" })).toBe("payload.name")
      expect(yield* invalid({ userId, name: undefined })).toBe("payload.name")
      expect(yield* invalid({ userId, value: "5" })).toBe("payload.value")
      expect(yield* invalid({ userId, value: null })).toBe("payload.value")
      expect(yield* invalid({ userId, value: 1, currency: "EURO" })).toBe("payload.currency")
      expect(yield* invalid({ userId, groups: { "": "acme" } })).toMatch(/^payload\.groups/)
      expect(yield* invalid({ userId, groups: { ["t".repeat(201)]: "acme" } })).toMatch(/^payload\.groups/)
      expect(yield* invalid({ userId, groups: { company: "" } })).toBe("payload.groups")
      expect(yield* invalid({ userId, groups: { company: 5 } })).toBe("payload.groups")
      expect(yield* invalid({ userId, groups: { company: "k".repeat(201) } })).toBe("payload.groups")
      expect(yield* invalid({ userId, eventProperties: [1] })).toBe("payload.eventProperties")
      expect(yield* invalid({ userId: 42 })).toBe("payload.userId")
      expect(yield* invalid({ userId: "" })).toBe("payload.userId")
      expect(yield* invalid({ userId, lists: { news: "yes" } })).toBe("payload.lists.news")
      expect(yield* invalid({ anonymousId: "ada@example.com" })).toBe("payload.anonymousId")
    })
  )

  it.effect("what Postgres or an object could not hold is refused, wherever it stands", () =>
    Effect.gen(function* () {
      const { request, secret } = yield* TestHogsend
      const userId = "u_unstorable"
      for (const bad of ["a\u0000b", "a\ud800b", "\udc00"]) {
        expect(yield* invalid({ userId, name: bad })).toBe("payload.name")
        expect(yield* invalid({ userId, idempotencyKey: bad })).toBe("payload.idempotencyKey")
        expect(yield* invalid({ userId, groups: { company: bad } })).toBe("payload.groups.company")
        expect(yield* invalid({ userId, groups: { [bad]: "acme" } })).toMatch(/^payload\.groups/)
        expect(yield* invalid({ userId, eventProperties: { [bad]: 1 } })).toMatch(/^payload\.eventProperties/)
        expect(yield* invalid({ userId, contactProperties: { a: [bad] } })).toBe("payload.contactProperties.a.0")
        const asKey = yield* track({ userId: bad, anonymousId: "a_unstorable" })
        expect(asKey).toMatchObject({ status: 202, body: { contactKey: "a_unstorable" } })
      }
      const before = yield* storedState
      for (const name of ["__proto__", "constructor", "prototype"]) {
        for (const field of ["eventProperties", "contactProperties", "groups"]) {
          const rawBody = `{"name":"tested","userId":"${userId}","${field}":{"${name}":"x"}}`
          const answer = yield* request("POST", "/v1/events", { key: secret, rawBody })
          expect(answer, `${name} in ${field}`).toMatchObject({ status: 400, body: { _tag: "RequestInvalid" } })
        }
      }
      for (const number of ["1e999", "-1e999"]) {
        for (const field of [`"value":${number}`, `"eventProperties":{"n":${number}}`]) {
          const rawBody = `{"name":"tested","userId":"${userId}",${field}}`
          const answer = yield* request("POST", "/v1/events", { key: secret, rawBody })
          expect(answer, field).toMatchObject({ status: 400, body: { _tag: "RequestInvalid" } })
        }
      }
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("timestamps up to 30 days back and an hour ahead are believed, others are a warning", () =>
    Effect.gen(function* () {
      const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()
      const [day, hour, minute] = [86_400, 3600, 60]
      const tooOld = ago(30 * day + minute)
      for (const timestamp of [tooOld, ago(-hour - minute), "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"]) {
        const answer = yield* track({ userId: "u_when", timestamp })
        expect(answer, timestamp).toMatchObject(stored)
        expect(codesOf(answer), timestamp).toEqual(["timestamp_out_of_range"])
        const { occurredAt, receivedAt } = yield* lastEvent
        expect(Math.abs(Date.parse(occurredAt) - Date.now()), timestamp).toBeLessThan(10_000)
        expect(Math.abs(Date.parse(receivedAt) - Date.now()), timestamp).toBeLessThan(10_000)
      }
      const oldest = ago(30 * day - minute)
      for (const timestamp of [oldest, ago(0), ago(-hour + minute)]) {
        const answer = yield* track({ userId: "u_when", timestamp })
        expect(codesOf(answer), timestamp).toEqual([])
        const event = yield* lastEvent
        expect(event.occurredAt).toBe(timestamp)
        expect(Math.abs(Date.parse(event.receivedAt) - Date.now()), timestamp).toBeLessThan(10_000)
      }
      expect(yield* contactOf({ userId: "u_when" })).toMatchObject({ firstSeenAt: oldest })
    })
  )

  it.effect("an instant in any zone comes back in UTC; what is no instant is refused", () =>
    Effect.gen(function* () {
      const at = Math.floor(Date.now() / 60_000) * 60_000
      const local = new Date(at + 2 * 3_600_000).toISOString().replace("Z", "+02:00")
      yield* track({ userId: "u_zone", timestamp: local })
      expect((yield* lastEvent).occurredAt).toBe(new Date(at).toISOString())
      for (const timestamp of [
        "yesterday",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-13-01T10:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-11-22T10:00:00+99:00",
        ""
      ]) {
        expect(yield* invalid({ userId: "u_zone", timestamp }), timestamp).toBe("payload.timestamp")
      }
      expect(yield* invalid({ userId: "u_zone", timestamp: 1_760_000_000 })).toBe("payload.timestamp")
    })
  )

  it.effect("text of every script and of full length comes back as sent", () =>
    Effect.gen(function* () {
      const name = "Ünïcødé 用户 🦔 \u202e ".concat("n".repeat(100))
      const text = "🦔é\u00a0\"\\/\b\f\n\r\t\u0001\u2028 نص 漢字 ' ; drop table -- $1 {{x}}"
      const bag = {
        [`naïve ${text.slice(0, 8)}`]: text,
        long: "x".repeat(16_000),
        deep: { a: [{ b: [null, true, ""] }] }
      }
      expect(yield* track({ userId: "u_text", name, eventProperties: bag, contactProperties: bag })).toMatchObject(
        stored
      )
      const event = yield* lastEvent
      expect(event.name).toBe(name)
      expect(event.properties).toEqual(bag)
      expect((yield* contactOf({ userId: "u_text" })).properties).toEqual(bag)
      yield* track({ userId: "u_text", groups: { [text.slice(0, 20)]: text } })
      expect((yield* lastEvent).groups).toEqual({ [text.slice(0, 20)]: text })
      const key = "k🦔".repeat(85)
      yield* track({ userId: "u_text", idempotencyKey: key })
      expect((yield* lastEvent).idempotencyKey).toBe(key)
    })
  )

  it.effect("numbers come back as sent, at the ends of their range too", () =>
    Effect.gen(function* () {
      const { request, secret } = yield* TestHogsend
      const numbers = [
        "1e308",
        "-1e308",
        "1.7976931348623157e308",
        "-0",
        "0.1",
        "1e-300",
        "5e-324",
        "-2.2250738585072014e-308",
        "9007199254740993",
        "0.30000000000000004",
        "123456789.987654321"
      ]
      for (const number of numbers) {
        const rawBody = `{"name":"tested","userId":"u_numbers","value":${number},"eventProperties":{"n":${number},"list":[${number}]},"contactProperties":{"n":${number}}}`
        expect(yield* request("POST", "/v1/events", { key: secret, rawBody }), number).toMatchObject(stored)
        const event = yield* lastEvent
        const contact = yield* contactOf({ userId: "u_numbers" })
        // Added to zero: -0 and 0 are one number.
        const sent = Number(number) + 0
        expect([event.value, event.properties.n, event.properties.list[0], contact.properties.n], number).toEqual([
          sent,
          sent,
          sent,
          sent
        ])
      }
    })
  )

  it.effect("properties over 32 KiB are a 413", () =>
    Effect.gen(function* () {
      const before = yield* storedState
      for (const field of ["eventProperties", "contactProperties"]) {
        const answer = yield* track({ userId: "u_large", [field]: { text: "x".repeat(33_000) } })
        expect(answer, field).toMatchObject({ status: 413, body: { _tag: "BodyTooLarge" } })
      }
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("lists are told to be unavailable, and the event is stored", () =>
    Effect.gen(function* () {
      const answer = yield* track({ userId: "u_lists", lists: { news: true } })
      expect(answer).toMatchObject(stored)
      expect(answer.body.listsError).toEqual(expect.any(String))
      expect((yield* track({ userId: "u_lists" })).body.listsError).toBeUndefined()
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Idempotency of events", (it) => {
  it.effect("a duplicate changes nothing at all, the contact included", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const body = {
        userId: "u_twice",
        email: "twice@example.com",
        anonymousId: "a_twice",
        contactProperties: { plan: "pro", seats: 3 },
        eventProperties: { a: 1, b: { c: 2, d: [3] } },
        value: 5,
        idempotencyKey: "twice"
      }
      const first = yield* track(body)
      expect(first).toMatchObject(stored)
      yield* asServer("PUT", "/v1/contacts", { userId: "u_twice", properties: { plan: "free", seats: null } })
      const before = yield* storedState
      const retry = yield* track(body)
      expect(retry).toMatchObject(duplicate)
      expect(retry.body).toEqual({ ...first.body, stored: false })
      // The same content: in another order, and with the key in the header.
      const { idempotencyKey, ...content } = body
      const reordered = Object.fromEntries(
        Object.entries({ ...content, eventProperties: { b: { d: [3], c: 2 }, a: 1 } }).toReversed()
      )
      expect(yield* track(reordered, { "idempotency-key": idempotencyKey })).toMatchObject(duplicate)
      expect(yield* storedState).toEqual(before)
      expect((yield* contactOf({ userId: "u_twice" })).properties).toEqual({ plan: "free" })
    })
  )

  it.effect("a duplicate answers the key that the contact has by now", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const body = { anonymousId: "a_better", idempotencyKey: "better" }
      expect(yield* track(body)).toMatchObject({ body: { stored: true, contactKey: "a_better" } })
      yield* asServer("PUT", "/v1/contacts", { userId: "u_better", anonymousId: "a_better" })
      expect(yield* track(body)).toMatchObject({
        status: 202,
        body: { stored: false, exits: [], contactKey: "u_better", contactKeyKind: "external", safeToIdentify: true }
      })
      // A visitor who was only observed has the key that it was sent under.
      const seen = { anonymousId: "a_seen", idempotencyKey: "seen" }
      expect(yield* trackAsBrowser(seen)).toMatchObject(stored)
      expect(yield* trackAsBrowser(seen)).toMatchObject({
        body: { stored: false, contactKey: "a_seen", contactKeyKind: "anonymous" }
      })
    })
  )

  it.effect("the header's key wins over the body's", () =>
    Effect.gen(function* () {
      const body = { userId: "u_header", idempotencyKey: "of-the-body" }
      expect(yield* track(body, { "idempotency-key": "of-the-header" })).toMatchObject(stored)
      expect((yield* lastEvent).idempotencyKey).toBe("of-the-header")
      expect(yield* track(body)).toMatchObject(stored)
      expect((yield* lastEvent).idempotencyKey).toBe("of-the-body")
      expect(yield* track(body, { "idempotency-key": "of-the-header" })).toMatchObject(duplicate)
      expect(yield* track(body)).toMatchObject(duplicate)
    })
  )

  it.effect("the same key for other content is a 409, and nothing is stored", () =>
    Effect.gen(function* () {
      const body = { userId: "u_other", value: 1, timestamp: new Date().toISOString() }
      const key = { "idempotency-key": "other" }
      expect(yield* track(body, key)).toMatchObject(stored)
      const before = yield* storedState
      const others: ReadonlyArray<Body> = [
        { name: "another" },
        { userId: "u_another" },
        { email: "another@example.com" },
        { anonymousId: "a_another" },
        { value: 2 },
        { currency: "EUR" },
        { eventProperties: { a: 1 } },
        { contactProperties: { a: 1 } },
        { groups: { company: "acme" } },
        { lists: { news: true } },
        { timestamp: new Date(Date.now() - 1000).toISOString() }
      ]
      for (const other of others) {
        const answer = yield* track({ ...body, ...other }, key)
        expect(answer, JSON.stringify(other)).toMatchObject(reused)
        expect(answer.body.error).toMatch(/Idempotency-Key/)
      }
      expect(yield* storedState).toEqual(before)
      const local = { ...body, timestamp: body.timestamp.replace("Z", "+00:00") }
      expect(yield* track(local, key)).toMatchObject(duplicate)
    })
  )

  it.effect("a key has 1 to 255 characters", () =>
    Effect.gen(function* () {
      const userId = "u_length"
      expect(yield* track({ userId, idempotencyKey: "k".repeat(255) })).toMatchObject(stored)
      expect(yield* track({ userId }, { "idempotency-key": "h".repeat(255) })).toMatchObject(stored)
      expect(yield* invalid({ userId, idempotencyKey: "k".repeat(256) })).toBe("payload.idempotencyKey")
      expect(yield* invalid({ userId, idempotencyKey: "" })).toBe("payload.idempotencyKey")
      expect(yield* invalid({ userId }, { "idempotency-key": "h".repeat(256) })).toBe("headers.idempotency-key")
    })
  )

  it.effect("two visitors may use the same key; each one's retry meets itself", () =>
    Effect.gen(function* () {
      const key = { idempotencyKey: "page-view-1" }
      const device = newDevice()
      const token = { "x-hogsend-user-token": signToken("u_visitor") }
      const visitors: ReadonlyArray<readonly [Body, Headers]> = [
        [{ anonymousId: "a_visitor_1" }, {}],
        [{ anonymousId: "a_visitor_2" }, {}],
        [{ anonymousId: device.anonymousId }, device.headers],
        [{ userId: "u_visitor" }, token]
      ]
      for (const [claims, headers] of visitors) {
        expect(yield* trackAsBrowser({ ...claims, ...key }, headers), JSON.stringify(claims)).toMatchObject(stored)
      }
      // Servers have a space of their own: a browser cannot burn a server's key.
      expect(yield* track({ userId: "u_visitor", ...key })).toMatchObject(stored)
      for (const [claims, headers] of visitors) {
        expect(yield* trackAsBrowser({ ...claims, ...key }, headers), JSON.stringify(claims)).toMatchObject(duplicate)
        const other = { ...claims, ...key, value: 1 }
        expect(yield* trackAsBrowser(other, headers), JSON.stringify(claims)).toMatchObject(reused)
      }
      // Another browser key of the same site is the same visitor.
      const { proxy, request } = yield* TestHogsend
      const throughProxy = { name: "tested", anonymousId: "a_visitor_1", ...key }
      expect(yield* request("POST", "/v1/events", { key: proxy, body: throughProxy })).toMatchObject(duplicate)
    })
  )

  it.effect("a visitor's verbatim retry meets itself after a merge", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const device = newDevice()
      const body = { anonymousId: device.anonymousId, contactProperties: { a: 1 }, idempotencyKey: "before-the-merge" }
      expect(yield* trackAsBrowser(body, device.headers)).toMatchObject(stored)
      yield* asServer("PUT", "/v1/contacts", { userId: "u_merge" })
      yield* asServer("PUT", "/v1/contacts", { userId: "u_merge", anonymousId: device.anonymousId })
      const before = yield* storedState
      expect(yield* trackAsBrowser(body, device.headers)).toMatchObject({
        status: 202,
        body: { stored: false, contactKey: "u_merge" }
      })
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("a retry with a fresh token is still a duplicate", () =>
    Effect.gen(function* () {
      const body = { userId: "u_fresh", anonymousId: "a_fresh", idempotencyKey: "fresh" }
      const [old, fresh] = [60, 3600].map((life) => signPayload({ userId: "u_fresh", exp: inSeconds(life) }))
      expect(yield* trackAsBrowser({ ...body, userToken: old })).toMatchObject(stored)
      const before = yield* storedState
      expect(yield* trackAsBrowser({ ...body, userToken: fresh })).toMatchObject(duplicate)
      expect(yield* trackAsBrowser(body, { "x-hogsend-user-token": fresh ?? "" })).toMatchObject(duplicate)
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("secret keys share one space", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "second", scopes: ["ingest"] })
      const body = { name: "tested", userId: "u_space", idempotencyKey: "one-space" }
      expect(yield* track(body)).toMatchObject(stored)
      expect(yield* request("POST", "/v1/events", { key: minted.body.key, body })).toMatchObject(duplicate)
      const other = { ...body, userId: "u_space_2" }
      expect(yield* request("POST", "/v1/events", { key: minted.body.key, body: other })).toMatchObject(reused)
    })
  )

  it.effect("a refused request does not use its key up", () =>
    Effect.gen(function* () {
      const device = newDevice()
      const body = { anonymousId: device.anonymousId, idempotencyKey: "refused-first" }
      expect(yield* trackAsBrowser({ ...body, name: "email.opened" }, device.headers)).toMatchObject({ status: 400 })
      expect(yield* trackAsBrowser(body)).toMatchObject({ status: 403 })
      expect(yield* trackAsBrowser(body, device.headers)).toMatchObject(stored)
    })
  )

  it.effect("of many at once one is stored", () =>
    Effect.gen(function* () {
      const { publishable, request } = yield* TestHogsend
      const [events, contacts] = [yield* countRows("events"), yield* countRows("contacts")]
      const race = (key: string, body: Body) =>
        Effect.all(
          Array.from({ length: 12 }, () =>
            request("POST", "/v1/events", { key, body, headers: { origin: allowedOrigin } })
          ),
          { concurrency: "unbounded" }
        )
      const { secret } = yield* TestHogsend
      const byServer = { name: "raced", userId: "u_race", email: "race@example.com", idempotencyKey: "race" }
      const byBrowser = { name: "raced", anonymousId: "a_race", contactProperties: { a: 1 }, idempotencyKey: "race" }
      for (const answers of [yield* race(secret, byServer), yield* race(publishable, byBrowser)]) {
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202))
        expect(answers.filter(({ body }) => body.stored)).toHaveLength(1)
        expect(new Set(answers.map(({ body }) => body.contactKey)).size).toBe(1)
      }
      expect([yield* countRows("events"), yield* countRows("contacts")]).toEqual([events + 2, contacts + 2])
    })
  )
})
