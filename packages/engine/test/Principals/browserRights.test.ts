/** What a publishable or proxy caller may do, row by row of the contract, through real HTTP. */

// A label tells which of many cases failed.
import { expect, layer } from "@effect/vitest"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { newDevice } from "../newDevice.ts"
import { inSeconds, signPayload, signToken } from "../signToken.ts"
import { countRows, storedPeople, warningCounts } from "../storedState.ts"

const callers = ["publishable", "proxy"] as const
type Caller = (typeof callers)[number]

const writes = ["POST /v1/events", "PUT /v1/contacts"] as const
const routes = [...writes, "GET /v1/contacts/me"] as const
type Route = (typeof routes)[number]

interface Sent {
  readonly body: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** The same claims on any of the routes: in the body of a write, in the query of a read. */
const send = Effect.fnUntraced(function* (caller: Caller, route: Route, { body, headers }: Sent) {
  const hogsend = yield* TestHogsend
  const [method = "", path = ""] = route.split(" ")
  const query = Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === "string")
  const reads = method === "GET"
  return yield* hogsend.request(method, reads ? `${path}?${new URLSearchParams(query)}` : path, {
    key: hogsend[caller],
    body: reads ? undefined : path === "/v1/events" ? { name: "viewed", ...body } : body,
    headers: { ...(caller === "publishable" ? { origin: allowedOrigin } : {}), ...headers }
  })
})

const event = (caller: Caller, body: Sent["body"], headers: Sent["headers"] = {}) =>
  send(caller, "POST /v1/events", { body, headers })
const put = (caller: Caller, body: Sent["body"], headers: Sent["headers"] = {}) =>
  send(caller, "PUT /v1/contacts", { body, headers })
const me = (caller: Caller, body: Sent["body"], headers: Sent["headers"] = {}) =>
  send(caller, "GET /v1/contacts/me", { body, headers })

const contactOf = Effect.fnUntraced(function* (claims: Record<string, string>) {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", `/v1/contacts/find?${new URLSearchParams(claims)}`)
  expect(body.contacts).toHaveLength(1)
  return body.contacts[0]
})

const lastEvent = Effect.gen(function* () {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", "/v1/admin/events?limit=1")
  return body.events[0]
})

const codesOf = ({ body }: Answer): ReadonlyArray<string> =>
  (body.warnings ?? []).map((warning: { code: string }) => warning.code)

/** Refused on each of `on`, with the sentence that `says` finds, and nothing is stored. */
const refuses = Effect.fnUntraced(function* (
  caller: Caller,
  on: ReadonlyArray<Route>,
  sent: Sent,
  expected: { readonly status: number; readonly tag: string; readonly says: RegExp }
) {
  const before = yield* storedPeople
  for (const route of on) {
    const answer = yield* send(caller, route, sent)
    expect(answer, route).toMatchObject({ status: expected.status, body: { _tag: expected.tag } })
    expect(answer.body.error, route).toMatch(expected.says)
    // What a browser takes for "mint a new one and retry" is said for tokens and for nothing else.
    expect(/usertoken/i.test(answer.body.error), route).toBe(expected.tag.startsWith("UserToken"))
    expect(JSON.stringify(answer.body).includes("traits"), route).toBe(false)
  }
  expect(yield* storedPeople).toEqual(before)
})

const nobody = { status: 200, body: { identified: false, traits: {} } }

const deviceDenied = { status: 403, tag: "IdentityDenied", says: /certified.*X-Hogsend-Device/ }
const ownerDenied = { status: 403, tag: "IdentityDenied", says: /anonymousId.*(person|contact)/ }
const mismatch = { status: 403, tag: "UserTokenMismatch" }

const options = {
  contacts: {
    publicProperties: ["color", "plan"],
    exposeEmail: true,
    serverOnlyProperties: ["plan", "credit"],
    serverOnlyEvents: ["purchase_completed"]
  }
}

layer(TestHogsend.layer(options), { excludeTestServices: true, timeout: "30 seconds" })("Browser rights", (it) => {
  for (const caller of callers) {
    const id = (name: string) => `${caller}_${name}`

    it.effect(`${caller}: without userId and email it is its own anonymous contact, and reads that`, () =>
      Effect.gen(function* () {
        const anonymousId = id("own")
        const created = yield* put(caller, { anonymousId, properties: { color: "red", secret_note: "x" } })
        expect(created).toMatchObject({
          status: 200,
          body: { created: true, contactKey: anonymousId, contactKeyKind: "anonymous", safeToIdentify: false }
        })
        const again = yield* event(caller, { anonymousId, contactProperties: { color: "blue" } })
        expect(again).toMatchObject({ status: 202, body: { stored: true, contactKey: anonymousId } })
        expect((yield* contactOf({ anonymousId })).id).toBe(created.body.id)
        expect(yield* me(caller, { anonymousId })).toMatchObject({
          status: 200,
          body: { identified: false, traits: { color: "blue" }, email: null }
        })
        expect((yield* me(caller, { anonymousId })).body.traits).toEqual({ color: "blue" })
        expect((yield* me(caller, { anonymousId: id("unseen") })).body).toEqual(nobody.body)
      })
    )

    it.effect(`${caller}: a certified anonymous id with its secret is its own anonymous contact, as a device`, () =>
      Effect.gen(function* () {
        const { anonymousId, headers } = newDevice()
        const created = yield* put(caller, { anonymousId, properties: { color: "red" } }, headers)
        expect(created).toMatchObject({ status: 200, body: { created: true, contactKey: anonymousId } })
        expect((yield* me(caller, { anonymousId }, headers)).body.traits).toEqual({ color: "red" })
        expect(yield* event(caller, { anonymousId }, headers)).toMatchObject({ status: 202, body: { stored: true } })
        expect(yield* lastEvent).toMatchObject({ contactId: created.body.id, vouchedBy: "device", source: "inapp" })
      })
    )

    it.effect(`${caller}: a certified anonymous id without its secret is denied from the first request on`, () =>
      Effect.gen(function* () {
        const { anonymousId, headers } = newDevice()
        const secret = headers["x-hogsend-device"]
        const noSecrets: ReadonlyArray<Record<string, string>> = [
          {},
          newDevice().headers,
          { "x-hogsend-device": "" },
          { "x-hogsend-device": "A".repeat(43) },
          { "x-hogsend-device": secret.slice(1) },
          { "x-hogsend-device": `${secret}=` },
          { "x-hogsend-device": Buffer.from(secret, "base64url").toString("hex") },
          { "x-hogsend-device": anonymousId }
        ]
        for (const wrong of noSecrets) {
          yield* refuses(caller, routes, { body: { anonymousId }, headers: wrong }, deviceDenied)
        }
        // Nobody squatted it meanwhile.
        expect(yield* event(caller, { anonymousId }, headers)).toMatchObject({ status: 202, body: { stored: true } })
        yield* refuses(caller, routes, { body: { anonymousId } }, deviceDenied)
      })
    )

    it.effect(`${caller}: writing a certified id in another way does not get around its secret`, () =>
      Effect.gen(function* () {
        const { anonymousId } = newDevice()
        const upper = anonymousId.toUpperCase()
        expect((yield* event(caller, { anonymousId: upper })).body.contactKey).toBe(upper)
        const { asServer } = yield* TestHogsend
        expect((yield* asServer("GET", `/v1/contacts/find?anonymousId=${anonymousId}`)).body.contacts).toEqual([])
      })
    )

    it.effect(`${caller}: no key of an identified contact, of any kind, is an anonymous id for it`, () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const [userId, email] = [id("u_victim"), `${caller}@example.com`]
        const [first, second, byEmail] = [id("a_first"), id("a_second"), id("a_email")]
        const victim = yield* asServer("PUT", "/v1/contacts", {
          userId,
          email,
          anonymousId: first,
          properties: { color: "red", plan: "pro" }
        })
        const merged = yield* asServer("PUT", "/v1/contacts", { anonymousId: second, properties: { color: "blue" } })
        yield* asServer("PUT", "/v1/contacts", { userId, anonymousId: second })
        const subscriber = yield* asServer("PUT", "/v1/contacts", { anonymousId: byEmail, email: `other-${email}` })
        expect((yield* contactOf({ anonymousId: second })).id).toBe(victim.body.id)

        // What was ever a browser's own id: it reads nothing. What never was one is denied like a write.
        for (const anonymousId of [first, second, byEmail]) {
          yield* refuses(caller, writes, { body: { anonymousId } }, ownerDenied)
          expect((yield* me(caller, { anonymousId })).body).toEqual(nobody.body)
        }
        for (const anonymousId of [userId, victim.body.id, merged.body.id, subscriber.body.id]) {
          yield* refuses(caller, routes, { body: { anonymousId } }, ownerDenied)
        }
        // Not by bringing more than the id, either.
        const body = { anonymousId: first, idempotencyKey: "k", contactProperties: { color: "x" }, value: 3 }
        yield* refuses(caller, ["POST /v1/events"], { body, headers: newDevice().headers }, ownerDenied)
        yield* refuses(
          caller,
          routes,
          { body: { anonymousId: email } },
          { status: 400, tag: "RequestInvalid", says: /anonymousId.*email/ }
        )
      })
    )

    it.effect(`${caller}: a certified id with its secret reaches its identified contact with events only`, () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { anonymousId, headers } = newDevice()
        const email = `${caller}-device@example.com`
        const { body: person } = yield* asServer("PUT", "/v1/contacts", {
          anonymousId,
          email,
          properties: { color: "red" }
        })
        const contacts = yield* countRows("contacts")

        const answer = yield* event(caller, { anonymousId, contactProperties: { color: "blue", extra: 1 } }, headers)
        expect(answer).toMatchObject({ status: 202, body: { stored: true, contactKey: anonymousId } })
        expect(codesOf(answer)).toEqual(["properties_not_applied"])
        expect(yield* lastEvent).toMatchObject({ contactId: person.id, vouchedBy: "device", source: "inapp" })

        const written = yield* put(caller, { anonymousId, properties: { color: null } }, headers)
        expect(written).toMatchObject({ status: 200, body: { id: person.id, created: false, linked: false } })
        expect(codesOf(written)).toEqual(["properties_not_applied"])

        expect(yield* contactOf({ anonymousId })).toMatchObject({ email, properties: { color: "red" } })
        expect((yield* contactOf({ anonymousId })).properties).toEqual({ color: "red" })
        expect((yield* me(caller, { anonymousId }, headers)).body).toEqual(nobody.body)
        for (const route of writes) {
          const lists = yield* send(caller, route, { body: { anonymousId, lists: { news: false } }, headers })
          expect(lists, route).toMatchObject({ status: 403, body: { _tag: "IdentificationRequired" } })
        }
        // Naming a user without a token joins nothing to it.
        const named = yield* event(caller, { anonymousId, userId: id("u_nobody") }, headers)
        expect(named).toMatchObject({ status: 403, body: { _tag: "UserTokenRequired" } })
        expect(yield* countRows("contacts")).toBe(contacts)
      })
    )

    it.effect(`${caller}: a userId needs a token`, () =>
      Effect.gen(function* () {
        const required = { status: 403, tag: "UserTokenRequired", says: /userId needs a userToken/ }
        const device = newDevice()
        yield* refuses(caller, routes, { body: { userId: id("u_plain") } }, required)
        yield* refuses(caller, routes, { body: { userId: id("u_plain"), anonymousId: id("a_plain") } }, required)
        const proven = { body: { userId: id("u_plain"), anonymousId: device.anonymousId }, headers: device.headers }
        yield* refuses(caller, routes, proven, required)
      })
    )

    it.effect(`${caller}: an email is never asserted, token or not`, () =>
      Effect.gen(function* () {
        const userId = id("u_email")
        const headers = { "x-hogsend-user-token": signToken(userId) }
        const noEmail = { ...mismatch, says: /email/ }
        for (const email of ["ada@example.com", "no address at all"]) {
          yield* refuses(caller, routes, { body: { email } }, noEmail)
          yield* refuses(caller, routes, { body: { email, anonymousId: id("a_email_too") } }, noEmail)
          yield* refuses(caller, routes, { body: { email, userId }, headers }, noEmail)
          yield* refuses(caller, routes, { body: { email }, headers }, noEmail)
        }
        const trait = yield* put(caller, { userId, properties: { email: "ada@example.com" } }, headers)
        expect(trait.status).toBe(200)
        expect(yield* contactOf({ userId })).toMatchObject({
          email: null,
          properties: { email: "ada@example.com" }
        })
      })
    )

    it.effect(`${caller}: a bad, an expired and another user's token`, () =>
      Effect.gen(function* () {
        const userId = id("u_token")
        const bad = { status: 403, tag: "UserTokenInvalid", says: /Invalid userToken/ }
        const forged = signToken(userId, "a secret of somebody else, long enough to sign")
        const expired = signPayload({ userId, exp: inSeconds(-60) })
        const claims = [{ userId }, { userId, anonymousId: id("a_token") }, { anonymousId: id("a_token") }]
        for (const claim of claims) {
          const withToken = (token: string): Sent => ({ body: claim, headers: { "x-hogsend-user-token": token } })
          yield* refuses(caller, routes, withToken(forged), bad)
          yield* refuses(caller, routes, withToken("garbage"), bad)
          yield* refuses(caller, routes, withToken(expired), {
            status: 403,
            tag: "UserTokenExpired",
            says: /userToken expired at .*mint a new one/
          })
        }
        const other = { "x-hogsend-user-token": signToken(id("u_other")) }
        for (const body of [{ userId }, { userId, anonymousId: id("a_token") }]) {
          yield* refuses(caller, routes, { body, headers: other }, { ...mismatch, says: /another user/ })
        }
      })
    )

    it.effect(`${caller}: without any key the request is about nobody`, () =>
      Effect.gen(function* () {
        const missing = { status: 400, tag: "IdentityMissing", says: /anonymousId/ }
        yield* refuses(caller, routes, { body: {} }, missing)
        yield* refuses(caller, routes, { body: { anonymousId: "undefined" } }, missing)
      })
    )

    it.effect(`${caller}: a valid token and its userId act as that user`, () =>
      Effect.gen(function* () {
        const userId = id("u_acts")
        const headers = { "x-hogsend-user-token": signToken(userId) }
        const first = yield* event(caller, { userId, contactProperties: { color: "red", team: "a" } }, headers)
        expect(first).toMatchObject({ status: 202, body: { contactKey: userId, safeToIdentify: true } })
        expect(yield* lastEvent).toMatchObject({ contactKey: userId, vouchedBy: "user", source: "inapp" })
        expect((yield* put(caller, { userId, properties: { team: null } }, headers)).status).toBe(200)
        expect((yield* contactOf({ userId })).properties).toEqual({ color: "red" })
        expect((yield* me(caller, {}, headers)).body).toEqual({
          identified: true,
          traits: { color: "red" },
          email: null
        })
      })
    )

    it.effect(`${caller}: the user's token joins a free or unidentified anonymous id, and a proven certified one`, () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const userId = id("u_joins")
        const token = { "x-hogsend-user-token": signToken(userId) }
        const { body: user } = yield* put(caller, { userId }, token)

        const [free, observed, own, theirs] = [newDevice(), newDevice(), newDevice(), newDevice()]
        yield* event(caller, { anonymousId: observed.anonymousId }, observed.headers)
        yield* event(caller, { anonymousId: id("a_observed") })
        yield* put(caller, { anonymousId: own.anonymousId, properties: { hat: "on" } }, own.headers)
        yield* put(caller, { anonymousId: id("a_own"), properties: { coat: "on" } })
        // Known by an email so far: only the secret shows that it is the same person's browser.
        yield* asServer("PUT", "/v1/contacts", {
          anonymousId: theirs.anonymousId,
          email: `${caller}-joins@example.com`
        })

        const cases: ReadonlyArray<readonly [string, Record<string, string>]> = [
          [id("a_free"), {}],
          [id("a_observed"), {}],
          [id("a_own"), {}],
          [free.anonymousId, free.headers],
          [observed.anonymousId, observed.headers],
          [own.anonymousId, own.headers],
          [theirs.anonymousId, theirs.headers]
        ]
        for (const [anonymousId, headers] of cases) {
          const answer = yield* event(caller, { userId, anonymousId }, { ...token, ...headers })
          expect(answer, anonymousId).toMatchObject({ status: 202, body: { contactKey: userId } })
          expect(codesOf(answer), anonymousId).toEqual([])
          expect((yield* contactOf({ anonymousId })).id, anonymousId).toBe(user.id)
          expect(yield* lastEvent).toMatchObject({ contactId: user.id, vouchedBy: "user" })
        }
        expect(yield* contactOf({ userId })).toMatchObject({
          email: `${caller}-joins@example.com`,
          properties: { hat: "on", coat: "on" }
        })
        // What the visitor did before is the user's now: one for each case, and the two that were only observed.
        const { body } = yield* asServer("GET", `/v1/admin/events?contactId=${user.id}`)
        expect(body.total).toBe(cases.length + 2)
      })
    )

    it.effect(`${caller}: any other anonymous id stays where it is, with a warning`, () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const userId = id("u_stays")
        const token = { "x-hogsend-user-token": signToken(userId) }
        const victim = yield* asServer("PUT", "/v1/contacts", {
          userId: id("u_stays_victim"),
          anonymousId: id("a_stays_victim")
        })
        const subscriber = yield* asServer("PUT", "/v1/contacts", {
          email: `${caller}-stays@example.com`,
          anonymousId: id("a_stays_email")
        })
        const unproven = newDevice()
        const { body: holder } = yield* put(
          caller,
          { anonymousId: unproven.anonymousId, properties: {} },
          unproven.headers
        )
        yield* asServer("PUT", "/v1/contacts", { userId })

        const cases: ReadonlyArray<readonly [string, string | null, Record<string, string>]> = [
          [id("a_stays_victim"), victim.body.id, {}],
          [id("u_stays_victim"), victim.body.id, {}],
          [victim.body.id, victim.body.id, {}],
          [id("a_stays_email"), subscriber.body.id, {}],
          [subscriber.body.id, subscriber.body.id, {}],
          [unproven.anonymousId, holder.id, {}],
          [unproven.anonymousId, holder.id, newDevice().headers],
          [newDevice().anonymousId, null, {}]
        ]
        for (const [anonymousId, owner, headers] of cases) {
          const keys = yield* countRows("identity_keys")
          for (const route of writes) {
            const answer = yield* send(caller, route, {
              body: { userId, anonymousId },
              headers: { ...token, ...headers }
            })
            expect(answer.body, `${route} ${anonymousId}`).toMatchObject({ contactKey: userId })
            expect(answer.body.linked ?? false, `${route} ${anonymousId}`).toBe(false)
            expect(codesOf(answer), `${route} ${anonymousId}`).toEqual(["anonymous_not_joined"])
            expect(answer.body.warnings[0].key.value).not.toBe(anonymousId)
          }
          const found = yield* asServer("GET", `/v1/contacts/find?anonymousId=${anonymousId}`)
          expect(found.body.contacts.map((contact: { id: string }) => contact.id)).toEqual(
            owner === null ? [] : [owner]
          )
          expect(yield* countRows("identity_keys")).toBe(keys)
          expect((yield* me(caller, { anonymousId }, { ...token, ...headers })).body).toMatchObject({
            identified: true
          })
        }
        // Proven, but another user's: two users are never made one.
        const twins = newDevice()
        yield* asServer("PUT", "/v1/contacts", { userId: id("u_twin"), anonymousId: twins.anonymousId })
        const answer = yield* event(caller, { userId, anonymousId: twins.anonymousId }, { ...token, ...twins.headers })
        expect(answer).toMatchObject({ status: 202, body: { contactKey: userId } })
        expect(codesOf(answer)).toEqual(["join_refused"])
        expect((yield* contactOf({ anonymousId: twins.anonymousId })).externalId).toBe(id("u_twin"))
      })
    )

    it.effect(`${caller}: a user's token reads nothing that a squatter wrote under its id`, () =>
      Effect.gen(function* () {
        const userId = id("u_not_yet")
        yield* put(caller, { anonymousId: userId, properties: { color: "squatted" } })
        const headers = { "x-hogsend-user-token": signToken(userId) }
        expect((yield* me(caller, { userId }, headers)).body).toEqual(nobody.body)
      })
    )

    it.effect(`${caller}: event names of the engine and of the operator's list are for servers`, () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const spaces = ["email", "journey", "bucket", "contact", "deal", "funnel", "link", "endpoint"]
        const names = [
          ...spaces.flatMap((space) => [`${space}.done`, `${space}:done`]),
          "Email.opened",
          "purchase_completed"
        ]
        const userId = id("u_names")
        const reserved = { status: 400, tag: "ReservedEventName", says: /reserved for servers/ }
        for (const name of names) {
          yield* refuses(caller, ["POST /v1/events"], { body: { name, anonymousId: id("a_names") } }, reserved)
        }
        const headers = { "x-hogsend-user-token": signToken(userId) }
        yield* refuses(caller, ["POST /v1/events"], { body: { name: "deal.won", userId }, headers }, reserved)
        for (const name of ["inapp.item_seen", "banner:closed", "email", "email_opened", "purchase"]) {
          const answer = yield* event(caller, { name, anonymousId: id("a_names") })
          expect(answer, name).toMatchObject({ status: 202, body: { stored: true } })
        }
        for (const name of names) {
          const answer = yield* asServer("POST", "/v1/events", { name, userId })
          expect(answer, name).toMatchObject({ status: 202, body: { stored: true } })
        }
      })
    )

    it.effect(`${caller}: server-only properties are refused one by one, with and without a token`, () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const userId = id("u_server_only")
        const anonymousId = id("a_server_only")
        yield* asServer("PUT", "/v1/contacts", { userId, properties: { plan: "free", credit: 1 } })
        const patch = { plan: "pro", credit: null, color: "red" }
        const headers = { "x-hogsend-user-token": signToken(userId) }
        const answers = [
          yield* put(caller, { anonymousId, properties: patch }),
          yield* event(caller, { anonymousId, contactProperties: patch }),
          yield* put(caller, { userId, properties: patch }, headers),
          yield* event(caller, { userId, contactProperties: patch }, headers)
        ]
        for (const answer of answers) {
          expect(answer.status).toBeLessThan(300)
          expect(answer.body.warnings).toMatchObject([
            { code: "server_only_property", hint: expect.stringContaining("plan") },
            { code: "server_only_property", hint: expect.stringContaining("credit") }
          ])
        }
        expect((yield* contactOf({ anonymousId })).properties).toEqual({ color: "red" })
        expect((yield* contactOf({ userId })).properties).toEqual({ plan: "free", credit: 1, color: "red" })
        const trusted = yield* asServer("PUT", "/v1/contacts", { userId, properties: { plan: "pro", credit: null } })
        expect(trusted.body.warnings).toBeUndefined()
        expect((yield* contactOf({ userId })).properties).toEqual({ plan: "pro", color: "red" })
      })
    )

    it.effect(`${caller}: lists are for identified people`, () =>
      Effect.gen(function* () {
        const device = newDevice()
        const required = { status: 403, tag: "IdentificationRequired", says: /[Ii]dentify/ }
        for (const lists of [{ news: true }, { news: false }]) {
          yield* refuses(caller, writes, { body: { anonymousId: id("a_lists"), lists } }, required)
          const proven = { body: { anonymousId: device.anonymousId, lists }, headers: device.headers }
          yield* refuses(caller, writes, proven, required)
        }
        const userId = id("u_lists")
        const headers = { "x-hogsend-user-token": signToken(userId) }
        expect((yield* put(caller, { userId, lists: { news: true } }, headers)).status).toBe(200)
        expect((yield* event(caller, { userId, lists: { news: true } }, headers)).status).toBe(202)
      })
    )

    it.effect(`${caller}: to look around makes a key and no contact; to say something makes one`, () =>
      Effect.gen(function* () {
        const contacts = yield* countRows("contacts")
        const anonymousId = id("a_looks")
        const looking: ReadonlyArray<Sent["body"]> = [
          { anonymousId },
          { anonymousId, eventProperties: { path: "/" } },
          { anonymousId, contactProperties: {}, groups: {} }
        ]
        for (const body of looking) {
          const answer = yield* event(caller, body)
          expect(answer).toMatchObject({ status: 202, body: { contactKey: anonymousId, contactKeyKind: "anonymous" } })
        }
        for (const body of [{ anonymousId }, { anonymousId, properties: {} }]) {
          expect(yield* put(caller, body)).toMatchObject({
            status: 200,
            body: { id: null, created: false, linked: false, contactKey: anonymousId }
          })
        }
        expect(yield* countRows("contacts")).toBe(contacts)
        expect(yield* lastEvent).toMatchObject({ contactId: null, contactKey: anonymousId, vouchedBy: "public" })
        const speaking = [{ contactProperties: { a: 1 } }, { value: 0 }, { groups: { company: "acme" } }]
        for (const [at, said] of speaking.entries()) {
          yield* event(caller, { anonymousId: id(`a_says_${at}`), ...said })
          expect((yield* contactOf({ anonymousId: id(`a_says_${at}`) })).source).toBe("inapp")
        }
      })
    )

    it.effect(`${caller}: source says how it came in, whatever the body says`, () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        yield* event(caller, { anonymousId: id("a_source"), source: "api" })
        expect(yield* lastEvent).toMatchObject({ source: "inapp", vouchedBy: "public" })
        const body = { name: "viewed", userId: id("u_source"), source: "billing", vouchedBy: "user" }
        yield* asServer("POST", "/v1/events", body)
        expect(yield* lastEvent).toMatchObject({ source: "api", vouchedBy: "server" })
      })
    )
  }

  it.effect("a wider key that carries a browser's request is warned about it, answered and kept", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const userId = "u_behind_a_proxy"
      const userToken = signToken(userId)
      const device = newDevice()
      const forms: ReadonlyArray<readonly [string, Sent]> = [
        ["userToken in the body", { body: { userToken } }],
        ["userToken in the header", { body: {}, headers: { "x-hogsend-user-token": userToken } }],
        ["device", { body: {}, headers: device.headers }],
        ["source", { body: { source: "inapp" } }]
      ]
      for (const [form, { body, headers }] of forms) {
        for (const route of writes) {
          const [method = "", path = ""] = route.split(" ")
          const before = yield* warningCounts
          const answer = yield* asServer(method, path, { name: "viewed", userId, ...body }, headers)
          expect(codesOf(answer), `${form} on ${route}`).toEqual(["browser_body_under_secret_key"])
          expect(answer.body.warnings[0].hint).toContain("ingest-public")
          const code = "browser_body_under_secret_key"
          const once = { ...before, [code]: (before[code] ?? 0) + 1 }
          expect(yield* warningCounts, `${form} on ${route}`).toEqual(once)
        }
      }
      const plain = yield* asServer("POST", "/v1/events", { name: "viewed", userId, source: "billing" })
      expect(codesOf(plain)).toEqual([])
    })
  )
})
