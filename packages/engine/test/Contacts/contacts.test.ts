/** Contacts, and what operators see of contacts and events, through real HTTP. */

// A label tells which of many cases failed.
import { expect, layer } from "@effect/vitest"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { newDevice } from "../newDevice.ts"
import { signToken } from "../signToken.ts"
import { storedPeople, storedState } from "../storedState.ts"

type Fields = Readonly<Record<string, unknown>>
type Claims = Readonly<Record<string, string>>

const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const unknownId = "01890000-0000-7000-8000-000000000000"

const put = Effect.fnUntraced(function* (body: Fields) {
  const { asServer } = yield* TestHogsend
  const answer = yield* asServer("PUT", "/v1/contacts", body)
  expect(answer.status).toBe(200)
  return answer.body
})

const get = Effect.fnUntraced(function* (path: string, claims: Claims = {}, headers: Claims = {}) {
  const { asServer } = yield* TestHogsend
  return yield* asServer("GET", `${path}?${new URLSearchParams(claims)}`, undefined, headers)
})

const find = Effect.fnUntraced(function* (claims: Claims) {
  const answer = yield* get("/v1/contacts/find", claims)
  expect(answer.status).toBe(200)
  return answer.body.contacts
})

const idsOf = (items: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> => items.map(({ id }) => id)

const isRefused = (answer: Answer, status: number, tag: string) => {
  expect(answer).toMatchObject({ status, body: { _tag: tag, error: expect.any(String) } })
}

/** A secret key with these scopes only. */
const keyWith = Effect.fnUntraced(function* (...scopes: ReadonlyArray<string>) {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("POST", "/v1/admin/api-keys", { name: scopes.join(), scopes })
  return body.key as string
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("PUT /v1/contacts", (it) => {
  it.effect("created says that it made a contact, linked that it added a key or merged", () =>
    Effect.gen(function* () {
      const email = "put@example.com"
      const first = yield* put({ userId: "u_put" })
      expect(first).toEqual({
        id: uuid,
        created: true,
        linked: false,
        contactKey: "u_put",
        contactKeyKind: "external",
        safeToIdentify: true
      })
      const { id } = first
      const row = (body: Fields) => Effect.map(put(body), (answer) => [answer.id, answer.created, answer.linked])
      expect(yield* row({ userId: "u_put" })).toEqual([id, false, false])
      expect(yield* row({ userId: "u_put", properties: { a: 1 } })).toEqual([id, false, false])
      expect(yield* row({ userId: "u_put", email })).toEqual([id, false, true])
      expect(yield* row({ userId: "u_put", email: "PUT@example.com " })).toEqual([id, false, false])
      expect(yield* row({ email, anonymousId: "a_put" })).toEqual([id, false, true])
      expect(yield* row({ userId: "u_put", email, anonymousId: "a_put" })).toEqual([id, false, false])
      expect(yield* row({ anonymousId: "a_put", properties: { a: null } })).toEqual([id, false, false])
      // Its own id names it, and is no new key.
      expect(yield* row({ userId: id })).toEqual([id, false, false])

      const other = yield* put({ anonymousId: "a_put_other" })
      expect(other).toMatchObject({ created: true, linked: false, contactKeyKind: "anonymous", safeToIdentify: false })
      expect(yield* row({ userId: "u_put", anonymousId: "a_put_other" })).toEqual([id, false, true])
      expect(yield* row({ userId: "u_put", anonymousId: "a_put_other" })).toEqual([id, false, false])
      expect(yield* row({ anonymousId: "a_put_other" })).toEqual([id, false, false])
    })
  )

  it.effect("three new keys at once make one contact, and link nothing", () =>
    Effect.gen(function* () {
      const made = yield* put({ userId: "u_three", email: "three@example.com", anonymousId: "a_three" })
      expect(made).toMatchObject({ created: true, linked: false, contactKey: "u_three" })
      expect(idsOf(yield* find({ userId: "u_three", email: "three@example.com", anonymousId: "a_three" }))).toEqual([
        made.id
      ])
    })
  )

  it.effect("a user id that arrives later flips the key of the contact that was there", () =>
    Effect.gen(function* () {
      const before = yield* put({ anonymousId: "a_flip", email: "flip@example.com" })
      const after = yield* put({ userId: "u_flip", anonymousId: "a_flip" })
      expect(after).toEqual({
        ...before,
        created: false,
        linked: true,
        contactKey: "u_flip",
        contactKeyKind: "external",
        safeToIdentify: true
      })
      const byEmail = yield* put({ email: "onlymail@example.com" })
      expect(byEmail).toMatchObject({ contactKey: byEmail.id, contactKeyKind: "contact", safeToIdentify: false })
    })
  )

  it.effect("a userId that was an anonymous id until now is warned about, once", () =>
    Effect.gen(function* () {
      yield* put({ anonymousId: "a_promoted" })
      const { warnings } = yield* put({ userId: "a_promoted" })
      expect(warnings).toMatchObject([{ code: "anonymous_id_promoted" }])
      expect((yield* put({ userId: "a_promoted" })).warnings).toBeUndefined()
      expect((yield* put({ anonymousId: "a_promoted" })).contactKeyKind).toBe("external")
    })
  )

  it.effect("a visitor who was only observed becomes a contact, and keeps what was seen", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      yield* asBrowser("POST", "/v1/events", { name: "seen", anonymousId: "a_observed" })
      const observed = yield* asBrowser("PUT", "/v1/contacts", { anonymousId: "a_observed" })
      expect(observed).toMatchObject({ status: 200, body: { id: null, created: false, linked: false } })
      const made = yield* put({ anonymousId: "a_observed" })
      expect(made).toMatchObject({ id: uuid, created: true, linked: false, contactKey: "a_observed" })
      const { body } = yield* get("/v1/admin/events", { contactId: made.id })
      expect(body.events).toMatchObject([{ name: "seen", contactId: made.id }])
    })
  )

  it.effect("two people are not made one: the key stays, with a warning, and the rest is applied", () =>
    Effect.gen(function* () {
      const ada = yield* put({ userId: "u_ada", anonymousId: "a_ada" })
      const bob = yield* put({ userId: "u_bob", anonymousId: "a_bob" })
      const answer = yield* put({ userId: "u_ada", anonymousId: "a_bob", properties: { a: 1 } })
      expect(answer).toMatchObject({ id: ada.id, created: false, linked: false, warnings: [{ code: "join_refused" }] })
      expect(yield* find({ anonymousId: "a_bob" })).toMatchObject([{ id: bob.id, properties: {} }])
      expect(yield* find({ userId: "u_ada" })).toMatchObject([{ properties: { a: 1 } }])
    })
  )

  it.effect("properties merge by name; null removes; an object is replaced as a whole", () =>
    Effect.gen(function* () {
      const userId = "u_properties"
      yield* put({ userId, properties: { a: 1, b: { c: 1, d: 2 }, e: [1, 2], gone: null } })
      yield* put({ userId, properties: { b: { c: 3 }, e: null, f: "", g: false } })
      expect((yield* find({ userId }))[0].properties).toEqual({ a: 1, b: { c: 3 }, f: "", g: false })
      yield* put({ userId, properties: {} })
      yield* put({ userId, properties: { a: null, b: null, f: null, g: null, never: null } })
      expect((yield* find({ userId }))[0].properties).toEqual({})
    })
  )

  it.effect("sending the same again changes nothing", () =>
    Effect.gen(function* () {
      const body = { userId: "u_same", email: "same@example.com", anonymousId: "a_same", properties: { a: 1 } }
      const first = yield* put(body)
      const before = yield* storedState
      expect(yield* put(body)).toEqual({ ...first, created: false, linked: false })
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("about nobody: 400", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const before = yield* storedPeople
      isRefused(yield* asServer("PUT", "/v1/contacts", { properties: { a: 1 } }), 400, "IdentityMissing")
      isRefused(yield* asServer("PUT", "/v1/contacts", { userId: "null" }), 400, "IdentityMissing")
      isRefused(yield* asServer("PUT", "/v1/contacts", { userId: "" }), 400, "RequestInvalid")
      isRefused(yield* asServer("PUT", "/v1/contacts", { userId: "u_x", properties: "a" }), 400, "RequestInvalid")
      isRefused(yield* asServer("PUT", "/v1/contacts", { anonymousId: "a@example.com" }), 400, "RequestInvalid")
      expect(yield* storedPeople).toEqual(before)
    })
  )

  it.effect("lists are told to be unavailable, and the contact is written", () =>
    Effect.gen(function* () {
      const answer = yield* put({ userId: "u_lists", lists: { news: true }, properties: { a: 1 } })
      expect(answer).toMatchObject({ created: true, warnings: [{ code: "lists_not_available" }] })
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("GET /v1/contacts/find", (it) => {
  it.effect("shows the whole contact; what is not known is null", () =>
    Effect.gen(function* () {
      const { id } = yield* put({ email: "shape@example.com" })
      expect(yield* find({ email: "shape@example.com" })).toEqual([
        {
          id,
          contactKey: id,
          contactKeyKind: "contact",
          safeToIdentify: false,
          externalId: null,
          email: "shape@example.com",
          anonymousId: null,
          properties: {},
          timezone: null,
          source: "api",
          firstSeenAt: instant,
          lastSeenAt: instant,
          createdAt: instant,
          updatedAt: instant
        }
      ])
    })
  )

  it.effect("any of the keys finds its contact, each contact once", () =>
    Effect.gen(function* () {
      const a = yield* put({ userId: "u_or_a", email: "or-a@example.com" })
      const b = yield* put({ userId: "u_or_b", email: "or-b@example.com", anonymousId: "a_or_b" })
      expect(idsOf(yield* find({ userId: "u_or_a" }))).toEqual([a.id])
      expect(idsOf(yield* find({ userId: "u_or_a", email: "OR-A@Example.com" }))).toEqual([a.id])
      expect(idsOf(yield* find({ userId: "u_or_a", email: "or-b@example.com" }))).toEqual([b.id, a.id])
      expect(idsOf(yield* find({ userId: "u_or_nobody", anonymousId: "a_or_b" }))).toEqual([b.id])
      expect(idsOf(yield* find({ userId: "undefined", anonymousId: "a_or_b" }))).toEqual([b.id])
    })
  )

  it.effect("keys that were merged away find the survivor", () =>
    Effect.gen(function* () {
      const away = yield* put({ anonymousId: "a_stale", email: "stale@example.com" })
      const survivor = yield* put({ userId: "u_stale" })
      yield* put({ userId: "u_stale", email: "stale@example.com" })
      const stale = [{ anonymousId: "a_stale" }, { email: "stale@example.com" }, { userId: away.id }]
      for (const key of stale) expect(idsOf(yield* find(key)), JSON.stringify(key)).toEqual([survivor.id])
    })
  )

  it.effect("nobody is an empty list; no key at all is a 400", () =>
    Effect.gen(function* () {
      expect(yield* find({ userId: "u_unknown", email: "unknown@example.com" })).toEqual([])
      expect(yield* find({ userId: "null" })).toEqual([])
      expect(yield* find({ userId: "a\u0000b" })).toEqual([])
      isRefused(yield* get("/v1/contacts/find"), 400, "IdentityMissing")
      isRefused(yield* get("/v1/contacts/find", { name: "x" }), 400, "IdentityMissing")
    })
  )

  it.effect("is for servers with the scope ingest", () =>
    Effect.gen(function* () {
      const { asBrowser, proxy, request } = yield* TestHogsend
      const path = "/v1/contacts/find?userId=u_1"
      isRefused(yield* request("GET", path), 401, "Unauthorized")
      isRefused(yield* asBrowser("GET", path), 403, "ScopeMissing")
      isRefused(yield* request("GET", path, { key: proxy }), 403, "ScopeMissing")
      isRefused(yield* request("GET", path, { key: yield* keyWith("read") }), 403, "ScopeMissing")
      expect((yield* request("GET", path, { key: yield* keyWith("ingest") })).status).toBe(200)
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })(
  "GET /v1/contacts/me, closed",
  (it) => {
    it.effect("shows nothing that the operator did not open", () =>
      Effect.gen(function* () {
        const { asBrowser } = yield* TestHogsend
        yield* put({ userId: "u_closed", email: "closed@example.com", properties: { color: "red" } })
        const headers = { "x-hogsend-user-token": signToken("u_closed") }
        const answer = yield* asBrowser("GET", "/v1/contacts/me", undefined, headers)
        expect(answer.body).toEqual({ identified: true, traits: {} })
        expect((yield* get("/v1/contacts/me", { userId: "u_closed" })).body).toEqual({ identified: true, traits: {} })
      })
    )
  }
)

const open = { contacts: { publicProperties: ["color", "shape", "__proto__", "toString"], exposeEmail: true } }

layer(TestHogsend.layer(open), { excludeTestServices: true, timeout: "30 seconds" })("GET /v1/contacts/me", (it) => {
  const me = Effect.fnUntraced(function* (claims: Claims = {}, headers: Claims = {}) {
    const { asBrowser } = yield* TestHogsend
    return yield* asBrowser("GET", `/v1/contacts/me?${new URLSearchParams(claims)}`, undefined, headers)
  })

  it.effect("shows the allowed traits and the email, to the user by token in header or query", () =>
    Effect.gen(function* () {
      const userId = "u_me"
      yield* put({ userId, email: "me@example.com", properties: { color: "red", secret: 1, plan: "pro" } })
      const seen = { identified: true, traits: { color: "red" }, email: "me@example.com" }
      const token = signToken(userId)
      for (const claims of [{}, { userId }, { anonymousId: "a_me" }]) {
        expect((yield* me(claims, { "x-hogsend-user-token": token })).body).toEqual(seen)
        expect((yield* me({ ...claims, userToken: token })).body).toEqual(seen)
      }
      expect(yield* find({ anonymousId: "a_me" })).toEqual([])
      expect((yield* me({}, { "x-hogsend-user-token": signToken("u_unheard_of") })).body).toEqual({
        identified: false,
        traits: {}
      })
    })
  )

  it.effect("a secret caller names the person by any key", () =>
    Effect.gen(function* () {
      yield* put({ userId: "u_named", email: "named@example.com", anonymousId: "a_named", properties: { shape: [1] } })
      const seen = { identified: true, traits: { shape: [1] }, email: "named@example.com" }
      for (const claims of [{ userId: "u_named" }, { email: "Named@example.com" }, { anonymousId: "a_named" }]) {
        expect((yield* get("/v1/contacts/me", claims)).body).toEqual(seen)
      }
      expect((yield* get("/v1/contacts/me", { userId: "u_nobody" })).body).toEqual({ identified: false, traits: {} })
      isRefused(yield* get("/v1/contacts/me"), 400, "IdentityMissing")
    })
  )

  it.effect("reads never make anybody", () =>
    Effect.gen(function* () {
      const device = newDevice()
      const before = yield* storedState
      yield* me({ anonymousId: "a_reads" })
      yield* me({ anonymousId: device.anonymousId }, device.headers)
      yield* me({ anonymousId: "a_reads" }, { "x-hogsend-user-token": signToken("u_reads") })
      yield* get("/v1/contacts/me", { userId: "u_reads", email: "reads@example.com", anonymousId: "a_reads" })
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("asks for a key, of a server or a browser", () =>
    Effect.gen(function* () {
      const { publishable, request } = yield* TestHogsend
      const path = "/v1/contacts/me?anonymousId=a_gate"
      isRefused(yield* request("GET", path), 401, "Unauthorized")
      isRefused(yield* request("GET", path, { key: publishable }), 403, "OriginDenied")
      isRefused(yield* request("GET", path, { key: yield* keyWith("read") }), 403, "ScopeMissing")
    })
  )

  it.effect("an unchanged answer is a 304, by whatever form of its tag", () =>
    Effect.gen(function* () {
      const { publishable, url } = yield* TestHogsend
      const userId = "u_etag"
      yield* put({ userId, properties: { color: "red" } })
      const token = { "x-hogsend-user-token": signToken(userId) }
      const first = yield* me({}, token)
      const etag = first.headers.get("etag") ?? ""
      expect(etag).toMatch(/^"[^"]+"$/)
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, `"other",W/${etag} , "more"`, "*"]) {
        const answer = yield* me({}, { ...token, "if-none-match": known })
        expect(answer.status, known).toBe(304)
        expect(answer.headers.get("etag"), known).toBe(etag)
      }
      const raw = yield* Effect.promise(() =>
        fetch(`${url}/v1/contacts/me`, {
          headers: { authorization: `Bearer ${publishable}`, origin: allowedOrigin, ...token, "if-none-match": etag }
        }).then(async (response) => [response.status, await response.text()])
      )
      expect(raw).toEqual([304, ""])
      for (const unknown of ['"other"', etag.slice(1, -1), ""]) {
        expect((yield* me({}, { ...token, "if-none-match": unknown })).status, unknown).toBe(200)
      }
      // What a person cannot see does not change the answer; what it can see does.
      yield* put({ userId, properties: { hidden: 1 } })
      expect((yield* me({}, { ...token, "if-none-match": etag })).status).toBe(304)
      yield* put({ userId, properties: { color: "blue" } })
      const changed = yield* me({}, { ...token, "if-none-match": etag })
      expect(changed).toMatchObject({ status: 200, body: { traits: { color: "blue" } } })
      expect(changed.headers.get("etag")).not.toBe(etag)
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Contacts for operators", (it) => {
  const list = Effect.fnUntraced(function* (query: Claims) {
    const answer = yield* get("/v1/admin/contacts", query)
    expect(answer.status).toBe(200)
    return answer.body
  })

  it.effect("lists pages of contacts, newest first, without those that were merged away", () =>
    Effect.gen(function* () {
      const made = yield* Effect.forEach([1, 2, 3, 4, 5], (at) => put({ userId: `u_page_${at}` }))
      yield* put({ anonymousId: "a_page_away" })
      yield* put({ userId: "u_page_3", anonymousId: "a_page_away" })
      const newest = idsOf(made).toReversed()
      const whole = yield* list({})
      expect(idsOf(whole.contacts)).toEqual(newest)
      expect(whole).toMatchObject({ total: 5, limit: 50, offset: 0 })
      const second = yield* list({ limit: "2", offset: "2" })
      expect(idsOf(second.contacts)).toEqual(newest.slice(2, 4))
      expect(second).toMatchObject({ total: 5, limit: 2, offset: 2 })
      expect(yield* list({ offset: "5" })).toEqual({ contacts: [], total: 5, limit: 50, offset: 5 })
      for (const query of [{ limit: "0" }, { limit: "101" }, { limit: "x" }, { limit: "1.5" }, { offset: "-1" }]) {
        isRefused(yield* get("/v1/admin/contacts", query), 400, "RequestInvalid")
      }
    })
  )

  it.effect("searches by the beginning of any key, letter by letter", () =>
    Effect.gen(function* () {
      const percent = yield* put({ userId: "100%_off", email: "Sale_1@example.com" })
      const plain = yield* put({ userId: "100xyoff", email: "salex1@example.com", anonymousId: "back\\slash" })
      const stale = yield* put({ anonymousId: "stale_search" })
      yield* put({ userId: "100%_off", anonymousId: "stale_search" })
      const found = (search: string) => Effect.map(list({ search }), (page) => [idsOf(page.contacts), page.total])
      expect(yield* found("100")).toEqual([[plain.id, percent.id], 2])
      expect(yield* found("100%_")).toEqual([[percent.id], 1])
      expect(yield* found("100_")).toEqual([[], 0])
      expect(yield* found("%")).toEqual([[], 0])
      expect(yield* found("SALE_")).toEqual([[percent.id], 1])
      expect(yield* found("sale")).toEqual([[plain.id, percent.id], 2])
      expect(yield* found("back\\s")).toEqual([[plain.id], 1])
      expect(yield* found("stale_search")).toEqual([[percent.id], 1])
      expect(yield* found(stale.id)).toEqual([[percent.id], 1])
      expect(yield* found(plain.id)).toEqual([[plain.id], 1])
      expect(yield* found("00xy")).toEqual([[], 0])
      expect(yield* found("100X")).toEqual([[], 0])
      isRefused(yield* get("/v1/admin/contacts", { search: "a\u0000" }), 400, "RequestInvalid")
      isRefused(yield* get("/v1/admin/contacts", { search: "x".repeat(201) }), 400, "RequestInvalid")
    })
  )

  it.effect("gets a contact by its id, and by one that it absorbed", () =>
    Effect.gen(function* () {
      const away = yield* put({ anonymousId: "a_get_away" })
      const { id } = yield* put({ userId: "u_get" })
      yield* put({ userId: "u_get", anonymousId: "a_get_away" })
      const [contact] = yield* find({ userId: "u_get" })
      for (const named of [id, away.id, id.toUpperCase()]) {
        expect((yield* get(`/v1/admin/contacts/${named}`)).body, named).toEqual({ contact })
      }
      isRefused(yield* get(`/v1/admin/contacts/${unknownId}`), 404, "ContactNotFound")
      isRefused(yield* get("/v1/admin/contacts/u_get"), 400, "RequestInvalid")
    })
  )

  it.effect("opens to the scope read and up, and to no browser", () =>
    Effect.gen(function* () {
      const { asBrowser, proxy, request } = yield* TestHogsend
      const paths = ["contacts", `contacts/${unknownId}`, "events", "events/names", "warnings", "warnings/junk_key"]
      for (const path of paths.map((end) => `/v1/admin/${end}`)) {
        isRefused(yield* request("GET", path), 401, "Unauthorized")
        isRefused(yield* asBrowser("GET", path), 403, "ScopeMissing")
        isRefused(yield* request("GET", path, { key: proxy }), 403, "ScopeMissing")
        isRefused(yield* request("GET", path, { key: yield* keyWith("ingest", "erase") }), 403, "ScopeMissing")
        for (const scope of ["read", "journey-admin"]) {
          const expected = path.endsWith(unknownId) ? 404 : 200
          expect((yield* request("GET", path, { key: yield* keyWith(scope) })).status, path).toBe(expected)
        }
      }
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Events for operators", (it) => {
  const list = Effect.fnUntraced(function* (query: Claims) {
    const answer = yield* get("/v1/admin/events", query)
    expect(answer.status).toBe(200)
    return answer.body
  })

  const namesOf = (page: { readonly events: ReadonlyArray<{ readonly name: string }> }) =>
    page.events.map(({ name }) => name)

  it.effect("lists by name, by contact, and by both, newest first, in pages", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const track = (name: string, claims: Claims) => asServer("POST", "/v1/events", { name, ...claims })
      yield* asBrowser("POST", "/v1/events", { name: "landed", anonymousId: "a_listed" })
      yield* asBrowser("POST", "/v1/events", { name: "landed", anonymousId: "a_stranger" })
      const away = yield* put({ anonymousId: "a_absorbed" })
      yield* track("opened", { anonymousId: "a_absorbed" })
      expect((yield* list({ name: "landed" })).events).toMatchObject([
        { contactKey: "a_stranger", contactId: null },
        { contactKey: "a_listed", contactId: null }
      ])
      const { id } = yield* put({ userId: "u_listed", anonymousId: "a_listed" })
      yield* put({ userId: "u_listed", anonymousId: "a_absorbed" })
      yield* track("bought", { userId: "u_listed" })
      yield* track("bought", { userId: "u_other" })

      expect(namesOf(yield* list({}))).toEqual(["bought", "bought", "opened", "landed", "landed"])
      for (const contactId of [id, away.id, id.toUpperCase()]) {
        const own = yield* list({ contactId })
        expect(namesOf(own), contactId).toEqual(["bought", "opened", "landed"])
        expect(own, contactId).toMatchObject({ total: 3, limit: 50, offset: 0 })
        for (const event of own.events) expect(event).toMatchObject({ contactId: id, contactKey: "u_listed" })
      }
      expect(yield* list({ contactId: away.id, name: "bought" })).toMatchObject({
        total: 1,
        events: [{ name: "bought" }]
      })
      expect(yield* list({ name: "bought" })).toMatchObject({ total: 2 })
      expect(yield* list({ name: "bou" })).toMatchObject({ total: 0, events: [] })
      expect(yield* list({ contactId: unknownId })).toMatchObject({ total: 0, events: [] })
      const page = yield* list({ limit: "2", offset: "1" })
      expect(namesOf(page)).toEqual(["bought", "opened"])
      expect(page).toMatchObject({ total: 5, limit: 2, offset: 1 })
      isRefused(yield* get("/v1/admin/events", { contactId: "u_listed" }), 400, "RequestInvalid")
      isRefused(yield* get("/v1/admin/events", { name: "\u0000" }), 400, "RequestInvalid")
      isRefused(yield* get("/v1/admin/events", { limit: "101" }), 400, "RequestInvalid")
    })
  )

  it.effect("names every event once, in order, with when it last arrived", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const names = ["zebra", "Apple", "apple", "äpfel", "apple pie", "apple"]
      for (const name of names) yield* asServer("POST", "/v1/events", { name, userId: "u_names" })
      const { body } = yield* get("/v1/admin/events/names")
      const mine = body.names.filter(({ name }: { name: string }) => names.includes(name))
      expect(mine.map(({ name }: { name: string }) => name)).toEqual(["Apple", "apple", "apple pie", "zebra", "äpfel"])
      const last = (yield* list({ name: "apple", limit: "1" })).events[0]
      expect(mine[1].lastSeenAt).toBe(last.receivedAt)
    })
  )
})
