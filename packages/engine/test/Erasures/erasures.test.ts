/** A person leaves: by key and by id, at once and after some days, with a receipt, through real HTTP. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Effect, Fiber } from "effect"
import { slotOf } from "../../src/IdentityKey.ts"
import { Erasures } from "../../src/Erasures.ts"
import { Tombstones } from "../../src/Tombstones.ts"
import { Warnings } from "../../src/Warnings.ts"
import { openTransaction, somebodyWaits } from "../openTransaction.ts"
import { inSeconds, signPayload } from "../signToken.ts"
import { storedState } from "../storedState.ts"

type Fields = Readonly<Record<string, unknown>>
type Claims = Readonly<Record<string, string>>

const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const unknownId = "01890000-0000-7000-8000-000000000000"
const dayMs = 86_400_000

const put = Effect.fnUntraced(function* (body: Fields) {
  const { asServer } = yield* TestHogsend
  const answer = yield* asServer("PUT", "/v1/contacts", body)
  expect(answer.status).toBe(200)
  return answer.body
})

const get = Effect.fnUntraced(function* (path: string, claims: Claims = {}) {
  const { asServer } = yield* TestHogsend
  return yield* asServer("GET", `${path}?${new URLSearchParams(claims)}`)
})

const find = Effect.fnUntraced(function* (claims: Claims) {
  const answer = yield* get("/v1/contacts/find", claims)
  expect(answer.status).toBe(200)
  return answer.body.contacts
})

const isRefused = (answer: Answer, status: number, tag: string) => {
  expect(answer).toMatchObject({ status, body: { _tag: tag, error: expect.any(String) } })
}

/** A secret key with these scopes only. */
const keyWith = Effect.fnUntraced(function* (...scopes: ReadonlyArray<string>) {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("POST", "/v1/admin/api-keys", { name: scopes.join(), scopes })
  return body.key as string
})

/** Under a full-admin key, or under another one. */
const erase = Effect.fnUntraced(function* (body: Fields, key?: string) {
  const { request, secret } = yield* TestHogsend
  return yield* request("DELETE", "/v1/contacts", { key: key ?? secret, body })
})

/** Under a key with only the scope `ingest`. */
const eraseSoftly = Effect.fnUntraced(function* (body: Fields) {
  const answer = yield* erase(body, yield* keyWith("ingest"))
  expect(answer).toMatchObject({ status: 200, body: { deleted: true } })
  return answer.body.erasure
})

const cancel = (id: string, key?: string) =>
  Effect.flatMap(TestHogsend, ({ request, secret }) =>
    request("POST", `/v1/admin/erasures/${id}/cancel`, { key: key ?? secret })
  )

const moveClock = (days: number) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    sql.unsafe(
      `create or replace function hogsend.now() returns timestamptz language sql stable as $$select pg_catalog.now() + interval '${days} days'$$`
    )
  )

/** Which of the strings lie buried. */
const buried = Effect.fnUntraced(function* (...values: ReadonlyArray<string>) {
  const { find: findGraves } = yield* Tombstones
  const keys = values.map((value) => ({
    kind: value.includes("@") ? ("email" as const) : ("external" as const),
    value
  }))
  const found = yield* findGraves(keys)
  return keys.filter(({ kind, value }) => found.has(slotOf(kind, value))).map(({ value }) => value)
})

const audited = Effect.fnUntraced(function* (resourceId: string) {
  const { body } = yield* get("/v1/admin/audit-logs", { limit: "100" })
  return body.auditLogs.filter((row: Fields) => row["resourceId"] === resourceId).toReversed()
})

const options = { excludeTestServices: true, timeout: "30 seconds" } as const

layer(TestHogsend.layer(), options)("DELETE /v1/contacts", (it) => {
  /** In which tables any of the words stands. */
  const tracesOf = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
    const sql = yield* PgClient.PgClient
    const tables = yield* sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = 'hogsend' order by 1`
    const holds = yield* Effect.forEach(tables, ({ name }) =>
      Effect.map(
        sql`select 1 from ${sql.literal(`hogsend.${name}`)} t
          where t::text like any(${words.map((word) => `%${word}%`)}::text[]) limit 1`,
        (rows) => (rows.length > 0 ? [name] : [])
      )
    )
    return holds.flat()
  })

  it.effect("erases the contact, its keys, its events and whatever names it, and nobody else", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const neighbour = yield* put({ userId: "u_neighbour", anonymousId: "a_neighbour" })
      yield* asServer("POST", "/v1/events", { name: "kept", userId: "u_neighbour", idempotencyKey: "kept" })

      const words = ["erasable-user", "erasable-mail", "erasable-anon", "erasable-other", "erasable-value"]
      yield* asBrowser("POST", "/v1/events", { name: "seen", anonymousId: "erasable-other" })
      const away = yield* put({ anonymousId: "erasable-other", properties: { a: "erasable-value" } })
      const person = yield* put({ userId: "erasable-user", email: "erasable-mail@example.com" })
      const claims = { userId: "erasable-user", anonymousId: "erasable-anon" }
      yield* asServer("POST", "/v1/events", {
        ...claims,
        name: "bought",
        eventProperties: { a: "erasable-value" },
        idempotencyKey: "erasable-user-bought"
      })
      yield* put({ userId: "erasable-user", anonymousId: "erasable-other" })
      yield* put({ userId: "erasable-user", anonymousId: "null", properties: { a: "erasable-value" } })
      yield* put({ userId: "erasable-user", anonymousId: "a_neighbour" })
      yield* Effect.flatMap(Warnings, ({ flush }) => flush)
      expect(yield* tracesOf([...words, person.id, away.id])).toEqual([
        "contacts",
        "events",
        "idempotency_keys",
        "identity_keys",
        "identity_ledger",
        "outbound_messages",
        "warnings"
      ])

      const answer = yield* erase({ userId: "erasable-user" })
      expect(answer).toMatchObject({ status: 200, body: { deleted: true } })
      expect(yield* tracesOf(words)).toEqual([])
      // That somebody was erased, and by whom, is kept: the id alone, which names nobody any more.
      expect(yield* tracesOf([person.id])).toEqual(["audit_logs", "erasures"])
      expect(yield* tracesOf([away.id])).toEqual([])
      expect(yield* find({ userId: "u_neighbour" })).toMatchObject([{ id: neighbour.id, anonymousId: "a_neighbour" }])
      const { body } = yield* get("/v1/admin/events")
      expect(body.events).toMatchObject([{ name: "kept", contactId: neighbour.id }])
      isRefused(yield* erase({ userId: "erasable-user" }), 404, "ContactNotFound")
    })
  )

  it.effect("the same keys afterwards make a new contact, without a past, when a server restores them", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const body = { name: "came_back", userId: "u_again", idempotencyKey: "again", contactProperties: { b: 2 } }
      yield* asServer("POST", "/v1/events", { ...body, anonymousId: "a_again" })
      const [old] = yield* find({ userId: "u_again" })
      yield* put({ userId: "u_again", properties: { a: 1 } })
      expect((yield* erase({ anonymousId: "a_again" })).status).toBe(200)
      expect(yield* asServer("POST", "/v1/events", body)).toMatchObject({
        status: 202,
        body: { stored: false, contactKey: "u_again", warnings: [{ code: "erased_person" }] }
      })
      expect(yield* find({ userId: "u_again" })).toEqual([])
      const restored = yield* asServer("POST", "/v1/events", { ...body, restore: true })
      expect(restored).toMatchObject({ status: 202, body: { stored: true } })
      const [made] = yield* find({ userId: "u_again" })
      expect(made.id).not.toBe(old.id)
      expect(made).toMatchObject({ anonymousId: null, properties: { b: 2 } })
      expect(made.properties).toEqual({ b: 2 })
      expect((yield* get("/v1/admin/events", { contactId: made.id })).body.total).toBe(1)
      expect((yield* get("/v1/admin/events", { contactId: old.id })).body.total).toBe(0)
      isRefused(yield* get(`/v1/admin/contacts/${old.id}`), 404, "ContactNotFound")
    })
  )

  it.effect("a user's own browser begins again with a token that was minted after it, and with no older one", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      yield* put({ userId: "u_token" })
      expect((yield* erase({ userId: "u_token" })).status).toBe(200)
      const exp = inSeconds(3600)
      const older = signPayload({ userId: "u_token", iat: inSeconds(-60), exp })
      // Clocks may differ by 5 seconds.
      const newer = signPayload({ userId: "u_token", iat: inSeconds(3), exp })
      const body = { name: "back", userId: "u_token", userToken: older, restore: true }
      expect(yield* asBrowser("POST", "/v1/events", body)).toMatchObject({
        status: 202,
        body: { stored: false, warnings: [{ code: "erased_person" }] }
      })
      expect(yield* find({ userId: "u_token" })).toEqual([])
      const both = yield* asBrowser("POST", "/v1/events", body, { "x-hogsend-user-token": newer })
      expect(both).toMatchObject({ status: 202, body: { stored: true } })
      expect(yield* find({ userId: "u_token" })).toHaveLength(1)
    })
  )

  it.effect("any key that the contact ever had erases it", () =>
    Effect.gen(function* () {
      for (const by of ["userId", "email", "anonymousId", "stale", "uuid", "absorbed"]) {
        const [userId, email] = [`u_by_${by}`, `by-${by}@example.com`]
        const { id } = yield* put({ userId, email, anonymousId: `a_by_${by}` })
        const absorbed = yield* put({ anonymousId: `stale_by_${by}` })
        yield* put({ userId, anonymousId: `stale_by_${by}` })
        const keys: Record<string, Fields> = {
          userId: { userId },
          email: { email: email.toUpperCase() },
          anonymousId: { anonymousId: `a_by_${by}` },
          stale: { anonymousId: `stale_by_${by}` },
          uuid: { userId: id },
          absorbed: { userId: absorbed.id, email }
        }
        expect(yield* erase(keys[by] ?? {}), by).toMatchObject({ status: 200, body: { deleted: true } })
        expect(yield* find({ userId, email }), by).toEqual([])
      }
      const sql = yield* PgClient.PgClient
      expect(yield* sql`select 1 from hogsend.contacts where merged_into is not null`).toEqual([])
    })
  )

  it.effect("keys of two contacts are a 409; unknown ones a 404; none a 400; nothing is erased", () =>
    Effect.gen(function* () {
      yield* put({ userId: "u_disagree", email: "disagree@example.com" })
      yield* put({ userId: "u_disagree_2", anonymousId: "a_disagree" })
      const before = yield* storedState
      isRefused(yield* erase({ userId: "u_disagree", anonymousId: "a_disagree" }), 409, "KeysDisagree")
      isRefused(yield* erase({ email: "disagree@example.com", userId: "u_disagree_2" }), 409, "KeysDisagree")
      isRefused(yield* erase({ userId: "u_never" }), 404, "ContactNotFound")
      isRefused(yield* erase({ userId: "null" }), 404, "ContactNotFound")
      isRefused(yield* erase({}), 400, "IdentityMissing")
      isRefused(yield* erase({ userId: 5 }), 400, "RequestInvalid")
      expect(yield* storedState).toEqual(before)
    })
  )

  it.effect("takes the scope ingest, erase or full-admin", () =>
    Effect.gen(function* () {
      const { publishable, proxy, request } = yield* TestHogsend
      yield* put({ userId: "u_scope" })
      const body = { userId: "u_scope" }
      isRefused(yield* request("DELETE", "/v1/contacts", { body }), 401, "Unauthorized")
      isRefused(yield* erase(body, `hsk_${"A".repeat(43)}`), 401, "Unauthorized")
      for (const scope of ["read", "journey-admin"]) {
        isRefused(yield* erase(body, yield* keyWith(scope)), 403, "ScopeMissing")
      }
      isRefused(yield* erase(body, proxy), 403, "ScopeMissing")
      const browser = { key: publishable, body, headers: { origin: allowedOrigin } }
      isRefused(yield* request("DELETE", "/v1/contacts", browser), 403, "ScopeMissing")
      expect(yield* find(body)).toHaveLength(1)
      for (const [scope, status] of [
        ["ingest", "pending"],
        ["erase", "done"],
        ["full-admin", "done"]
      ] as const) {
        const person = { userId: `u_scope_${scope}` }
        yield* put(person)
        const answer = yield* erase(person, yield* keyWith(scope))
        expect(answer, scope).toMatchObject({ status: 200, body: { deleted: true, erasure: { status } } })
        expect(yield* find(person), scope).toEqual([])
      }
    })
  )
})

layer(TestHogsend.layer(), options)("DELETE /v1/admin/contacts/{id}", (it) => {
  it.effect("erases by id, also by one that it absorbed, and only with the scope erase", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const away = yield* put({ anonymousId: "a_erase_away" })
      const { id } = yield* put({ userId: "u_erase" })
      yield* put({ userId: "u_erase", anonymousId: "a_erase_away" })
      for (const scope of ["read", "journey-admin", "ingest"]) {
        const key = yield* keyWith(scope)
        isRefused(yield* request("DELETE", `/v1/admin/contacts/${id}`, { key }), 403, "ScopeMissing")
      }
      const key = yield* keyWith("erase")
      const erased = yield* request("DELETE", `/v1/admin/contacts/${away.id}`, { key })
      expect(erased).toMatchObject({ status: 200, body: { deleted: true } })
      for (const named of [id, away.id]) {
        isRefused(yield* get(`/v1/admin/contacts/${named}`), 404, "ContactNotFound")
        isRefused(yield* asServer("DELETE", `/v1/admin/contacts/${named}`), 404, "ContactNotFound")
      }
      const other = yield* put({ userId: "u_erase_2" })
      expect((yield* asServer("DELETE", `/v1/admin/contacts/${other.id}`)).status).toBe(200)
    })
  )
})

layer(TestHogsend.layer(), options)("An erasure by id", (it) => {
  it.effect("is of a contact, and not of whoever has the same string as a user id by now", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      const { id } = yield* put({ userId: "u_by_id" })
      const namesake = yield* put({ userId: "u_namesake" })
      yield* eraseSoftly({ userId: "u_by_id" })
      yield* sql`update hogsend.identity_keys set value = ${id} where value = 'u_namesake'`
      expect((yield* asServer("DELETE", `/v1/admin/contacts/${id}`)).body.erasure).toMatchObject({ contactId: id })
      isRefused(yield* asServer("DELETE", `/v1/admin/contacts/${id}`), 404, "ContactNotFound")
      expect(yield* find({ userId: id })).toMatchObject([{ id: namesake.id }])
    })
  )
})

layer(TestHogsend.layer(), options)("The receipt of an erasure", (it) => {
  it.effect("says what was removed, when, and what became of the person elsewhere; it is kept, and names nobody", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const away = yield* put({ anonymousId: "a_receipt" })
      const { id } = yield* put({ userId: "u_receipt", email: "receipt@example.com" })
      yield* put({ userId: "u_receipt", anonymousId: "a_receipt" })
      yield* asServer("POST", "/v1/events", { name: "bought", userId: "u_receipt", idempotencyKey: "receipt-1" })
      yield* asServer("POST", "/v1/events", { name: "bought", userId: "u_receipt", anonymousId: "undefined" })
      yield* Effect.flatMap(Warnings, ({ flush }) => flush)
      const { body } = yield* erase({ email: "receipt@example.com" })
      expect(body).toEqual({
        deleted: true,
        erasure: {
          id: uuid,
          contactId: id,
          status: "done",
          requestedAt: instant,
          dueAt: body.erasure.requestedAt,
          endedAt: body.erasure.requestedAt,
          removed: {
            contacts: 2,
            // Three strings, and the ids of both contacts.
            identity_keys: 5,
            identity_ledger: expect.any(Number),
            // Both were made, one went into the other, and that they are gone is to be told to nobody.
            outbound_messages: 5,
            deliveries: 0,
            identity_cuts: 0,
            events: 2,
            idempotency_keys: 1,
            warnings: 1
          },
          provider: {
            personDeleted: false,
            reason: expect.stringContaining("no analytics provider"),
            distinctIds: null
          }
        }
      })
      expect(body.erasure.removed.identity_ledger).toBeGreaterThan(2)
      expect(yield* get(`/v1/admin/erasures/${body.erasure.id}`)).toMatchObject({
        status: 200,
        body: { erasure: body.erasure }
      })
      expect(yield* audited(id)).toMatchObject([{ action: "contacts.erase", actor: "test-secret" }])
      expect(yield* buried("u_receipt", "receipt@example.com", "a_receipt", id, away.id, "u_other")).toHaveLength(5)
    })
  )

  it.effect("of a visitor who was only observed has no contact, and is done at once under every key", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asBrowser } = yield* TestHogsend
      for (const scope of ["ingest", "erase"]) {
        const anonymousId = `a_observed_${scope}`
        yield* asBrowser("POST", "/v1/events", { name: "seen", anonymousId })
        const { body } = yield* erase({ anonymousId }, yield* keyWith(scope))
        expect(body.erasure).toMatchObject({
          contactId: null,
          status: "done",
          removed: { contacts: 0, identity_keys: 1, events: 1 }
        })
        expect(yield* sql`select 1 from hogsend.identity_keys where value = ${anonymousId}`).toEqual([])
        expect(yield* buried(anonymousId)).toEqual([anonymousId])
        isRefused(yield* cancel(body.erasure.id), 409, "ErasureEnded")
      }
    })
  )

  it.effect("is listed newest first, in pages, by status, to readers; what nobody knows is a 404", () =>
    Effect.gen(function* () {
      const { request } = yield* TestHogsend
      yield* put({ userId: "u_listed_1" })
      yield* put({ userId: "u_listed_2" })
      const first = (yield* erase({ userId: "u_listed_1" })).body.erasure
      const second = yield* eraseSoftly({ userId: "u_listed_2" })
      const all = (yield* get("/v1/admin/erasures")).body
      expect(all).toMatchObject({ erasures: [second, first, {}, {}, {}], total: 5, limit: 50, offset: 0 })
      const page = (yield* get("/v1/admin/erasures", { limit: "1", offset: "1" })).body
      expect(page).toEqual({ erasures: [first], total: 5, limit: 1, offset: 1 })
      const pending = (yield* get("/v1/admin/erasures", { status: "pending" })).body
      expect(pending).toMatchObject({ erasures: [second], total: 1 })
      isRefused(yield* get("/v1/admin/erasures", { status: "gone" }), 400, "RequestInvalid")
      isRefused(yield* get("/v1/admin/erasures", { state: "done" }), 400, "RequestInvalid")
      isRefused(yield* get(`/v1/admin/erasures/${unknownId}`), 404, "ErasureNotFound")
      isRefused(yield* cancel(unknownId), 404, "ErasureNotFound")
      expect((yield* request("GET", "/v1/admin/erasures", { key: yield* keyWith("read") })).status).toBe(200)
      for (const scope of ["read", "erase", "ingest"]) {
        isRefused(yield* cancel(second.id, yield* keyWith(scope)), 403, "ScopeMissing")
      }
    })
  )
})

layer(TestHogsend.layer(), options)("A contact that is deleted under an ingest key", (it) => {
  it.effect("is out of everybody's reach at once, and its keys are buried", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const stays = yield* put({ userId: "u_stays" })
      yield* asServer("POST", "/v1/events", { name: "stays", userId: "u_stays" })
      const away = yield* put({ anonymousId: "a_soft" })
      const { id } = yield* put({ userId: "u_soft", email: "soft@example.com" })
      yield* put({ userId: "u_soft", anonymousId: "a_soft" })
      yield* asServer("POST", "/v1/events", { name: "soft", userId: "u_soft" })
      const erasure = yield* eraseSoftly({ anonymousId: "a_soft" })
      expect(erasure).toMatchObject({ contactId: id, status: "pending", endedAt: null, removed: null })
      expect(Date.parse(erasure.dueAt) - Date.parse(erasure.requestedAt)).toBe(7 * dayMs)

      const claims = { userId: "u_soft", email: "soft@example.com", anonymousId: "a_soft" }
      expect(yield* find(claims)).toEqual([])
      expect(yield* find({ userId: id })).toEqual([])
      expect((yield* get("/v1/contacts/me", claims)).body).toEqual({ identified: false, traits: {} })
      for (const named of [id, away.id]) {
        isRefused(yield* get(`/v1/admin/contacts/${named}`), 404, "ContactNotFound")
        expect((yield* get("/v1/admin/events", { contactId: named })).body).toMatchObject({ events: [], total: 0 })
      }
      for (const search of ["", "u_so", "soft", "a_s", "$"]) {
        const { contacts, total } = (yield* get("/v1/admin/contacts", { search })).body
        expect(
          contacts.map((contact: Fields) => contact["id"]),
          search
        ).toEqual(search === "" ? [stays.id] : [])
        expect(total).toBe(contacts.length)
      }
      expect((yield* get("/v1/admin/events")).body).toMatchObject({ events: [{ name: "stays" }], total: 1 })
      expect((yield* get("/v1/admin/events", { name: "soft" })).body).toMatchObject({ events: [], total: 0 })
      expect((yield* get("/v1/admin/events/names")).body.names).toMatchObject([{ name: "stays" }])
      // Whoever lost the answer asks again, and gets the same receipt.
      expect(yield* erase(claims, yield* keyWith("ingest"))).toMatchObject({ status: 200, body: { erasure } })
      expect((yield* get("/v1/admin/erasures")).body.total).toBe(1)

      expect(yield* buried("u_soft", "soft@example.com", "a_soft", id, away.id)).toHaveLength(5)
      expect(yield* audited(id)).toMatchObject([{ action: "contacts.soft-delete", actor: "ingest" }])
    })
  )

  it.effect("leaves no name of an event behind, nor when one of others was last seen", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      yield* asServer("POST", "/v1/events", { name: "both", userId: "u_seen" })
      const before = (yield* get("/v1/admin/events/names")).body.names
      for (const name of ["a first one", "both", "z last one"]) {
        yield* asServer("POST", "/v1/events", { name, userId: "u_unseen" })
      }
      expect((yield* get("/v1/admin/events/names")).body.names).toHaveLength(before.length + 2)
      yield* eraseSoftly({ userId: "u_unseen" })
      expect((yield* get("/v1/admin/events/names")).body.names).toEqual(before)
    })
  )

  it.effect("also hides what hangs on an address that has left it, and erases that in the end", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      yield* asServer("POST", "/v1/events", { name: "moved", userId: "u_moved", email: "moved@example.com" })
      yield* asServer("POST", "/v1/events", { name: "moved", email: "moved@example.com" })
      // As a move leaves it behind: no string, but what was sent under it.
      yield* sql`
        update hogsend.identity_keys set kind = 'history', value = '$' || id where value = 'moved@example.com'`
      expect((yield* get("/v1/admin/contacts", { search: "$" })).body.contacts).toEqual([])
      const { id } = yield* eraseSoftly({ userId: "u_moved" })
      expect((yield* get("/v1/admin/events", { name: "moved" })).body.total).toBe(0)
      expect(yield* buried("moved@example.com")).toEqual([])
      expect((yield* cancel(id)).status).toBe(200)
      expect((yield* get("/v1/admin/events", { name: "moved" })).body.total).toBe(2)
      expect((yield* erase({ userId: "u_moved" })).body.erasure.removed).toMatchObject({ events: 2, identity_keys: 3 })
    })
  )

  it.effect("is as it was when it is cancelled, to the last column", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      yield* asBrowser("POST", "/v1/events", { name: "seen", anonymousId: "a_back_observed" })
      yield* put({ anonymousId: "a_back" })
      const { id } = yield* put({ userId: "u_back", email: "back@example.com", properties: { a: 1 } })
      yield* put({ userId: "u_back", anonymousId: "a_back" })
      yield* asServer("POST", "/v1/events", { name: "back", userId: "u_back", idempotencyKey: "back" })
      const before = yield* storedState
      // A key that nobody holds yet goes with the contact, and is nobody's again.
      const { id: erasureId } = yield* eraseSoftly({ userId: "u_back", anonymousId: "a_back_observed" })
      expect(yield* buried("u_back", "a_back_observed")).toHaveLength(2)
      const cancelled = yield* cancel(erasureId)
      expect(cancelled).toMatchObject({
        status: 200,
        body: { erasure: { id: erasureId, contactId: id, status: "cancelled", endedAt: instant, removed: null } }
      })
      const withoutReceipts = (rows: typeof before) => rows.flat().filter((row) => row["table"] !== "erasures")
      expect(withoutReceipts(yield* storedState)).toEqual(withoutReceipts(before))
      expect(yield* buried("u_back", "a_back_observed", "back@example.com", "a_back", id)).toEqual([])
      expect(yield* audited(erasureId)).toMatchObject([{ action: "erasures.cancel", actor: "test-secret" }])
      isRefused(yield* cancel(erasureId), 409, "ErasureEnded")
      // And can be deleted again.
      expect(yield* eraseSoftly({ email: "back@example.com" })).toMatchObject({ contactId: id, status: "pending" })
    })
  )

  it.effect("is not cancelled by an older one of the same contact that has ended", () =>
    Effect.gen(function* () {
      yield* put({ userId: "u_twice" })
      const first = yield* eraseSoftly({ userId: "u_twice" })
      expect((yield* cancel(first.id)).status).toBe(200)
      const second = yield* eraseSoftly({ userId: "u_twice" })
      isRefused(yield* cancel(first.id), 409, "ErasureEnded")
      expect(yield* find({ userId: "u_twice" })).toEqual([])
      expect((yield* get(`/v1/admin/erasures/${second.id}`)).body.erasure.status).toBe("pending")
      expect((yield* cancel(second.id)).status).toBe(200)
    })
  )

  it.effect("cannot be taken back when one of its keys is somebody's again: nothing is changed, nobody is named", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { id } = yield* put({ userId: "u_taken", email: "taken@example.com" })
      const { id: erasureId } = yield* eraseSoftly({ userId: "u_taken" })
      // Somebody who has the address by now.
      const other = "01890000-0000-7000-8000-00000000000a"
      yield* sql`insert into hogsend.contacts (id) values (${other})`
      yield* sql`
        insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by)
        values (gen_random_uuid(), 'email', 'taken@example.com', ${other}, 'server')`
      const before = yield* storedState
      const refused = yield* cancel(erasureId)
      isRefused(refused, 409, "KeysTaken")
      expect(JSON.stringify(refused.body)).not.toMatch(/taken@|u_taken|0189|example/)
      expect(refused.body.error).not.toContain(id)
      expect(yield* storedState).toEqual(before)
      expect(yield* find({ userId: "u_taken" })).toEqual([])
    })
  )

  it.effect("is erased at once by whoever may, by its id or by a key that it had", () =>
    Effect.gen(function* () {
      const { request } = yield* TestHogsend
      const key = yield* keyWith("erase")
      for (const by of ["id", "key"]) {
        const userId = `u_now_${by}`
        const { id } = yield* put({ userId })
        const pending = yield* eraseSoftly({ userId })
        const answer =
          by === "id" ? yield* request("DELETE", `/v1/admin/contacts/${id}`, { key }) : yield* erase({ userId }, key)
        expect(answer).toMatchObject({
          status: 200,
          body: {
            erasure: { id: pending.id, requestedAt: pending.requestedAt, status: "done", removed: { contacts: 1 } }
          }
        })
        expect(Date.parse(answer.body.erasure.dueAt)).toBeLessThan(Date.parse(pending.dueAt))
        expect(yield* buried(userId, id)).toEqual([userId, id])
        isRefused(yield* cancel(pending.id), 409, "ErasureEnded")
        isRefused(yield* erase({ userId }, key), 404, "ContactNotFound")
        expect(yield* audited(id)).toMatchObject([{ action: "contacts.soft-delete" }, { action: "contacts.erase" }])
      }
    })
  )
})

layer(TestHogsend.layer(), options)("An erasure that waits", (it) => {
  it.effect("is done when it is due by the database's clock and not before, and leaves nothing but its receipt", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { asServer } = yield* TestHogsend
      const { eraseDue } = yield* Erasures
      const { id } = yield* put({ userId: "u_due", email: "due@example.com", properties: { word: "due-word" } })
      yield* asServer("POST", "/v1/events", { name: "n", userId: "u_due", idempotencyKey: "due-retry" })
      yield* put({ userId: "u_later" })
      const due = yield* eraseSoftly({ userId: "u_due" })
      yield* moveClock(6.99)
      const later = yield* eraseSoftly({ userId: "u_later" })
      expect(yield* eraseDue).toBe(0)
      yield* moveClock(7.001)
      expect(yield* eraseDue).toBe(1)
      expect(yield* eraseDue).toBe(0)

      const receipts = (yield* get("/v1/admin/erasures")).body.erasures
      expect(receipts).toMatchObject([
        { id: later.id, status: "pending" },
        { id: due.id, status: "done", requestedAt: due.requestedAt, dueAt: due.dueAt, endedAt: instant }
      ])
      expect(receipts[1].removed).toMatchObject({ contacts: 1, events: 1, idempotency_keys: 1 })
      const words = [id, "u_due", "due@example.com", "due-word", "due-retry"].map((word) => `%${word}%`)
      const tables = yield* sql<{ name: string }>`
        select table_name as name from information_schema.tables where table_schema = 'hogsend'`
      for (const { name } of tables) {
        const found = yield* sql`
          select 1 from ${sql.literal(`hogsend.${name}`)} t where t::text like any(${words}::text[]) limit 1`
        expect(found.length > 0, name).toBe(["audit_logs", "erasures"].includes(name))
      }
      // In the name of who asked for it.
      expect(yield* audited(id)).toMatchObject([
        { action: "contacts.soft-delete", actor: "ingest" },
        { action: "contacts.erase", actor: "ingest" }
      ])
      expect(yield* buried("u_due", "due@example.com", id)).toHaveLength(3)
      yield* moveClock(0)
    })
  )

  it.effect("is done once by several processes at once, which wait for nobody", () =>
    Effect.gen(function* () {
      const { eraseDue } = yield* Erasures
      const softly = yield* keyWith("ingest")
      for (let n = 0; n < 12; n++) {
        yield* put({ userId: `u_many_${n}`, anonymousId: `a_many_${n}` })
        yield* erase({ userId: `u_many_${n}` }, softly)
      }
      yield* moveClock(15)
      const rounds = Array.from({ length: 4 }, () => eraseDue)
      const erased = yield* Effect.all(rounds, { concurrency: "unbounded" })
      // One more was pending since the test before.
      expect(erased.reduce((sum, one) => sum + one, 0) + (yield* eraseDue)).toBe(13)
      const { body } = yield* get("/v1/admin/erasures", { status: "pending" })
      expect(body.total).toBe(0)
      yield* moveClock(0)
    })
  )

  it.effect("is left for later when somebody else is at its contact, and the others are done", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { eraseDue } = yield* Erasures
      const away = yield* put({ anonymousId: "a_busy" })
      for (const userId of ["u_busy", "u_idle"]) yield* put({ userId })
      yield* put({ userId: "u_busy", anonymousId: "a_busy" })
      for (const userId of ["u_busy", "u_idle"]) yield* eraseSoftly({ userId })
      yield* moveClock(8)
      // At the one that it absorbed, which is locked first.
      const other = yield* openTransaction(sql`select from hogsend.contacts where id = ${away.id} for update`)
      expect(yield* Effect.timeout(eraseDue, 5000)).toBe(1)
      yield* other.commit
      expect(yield* eraseDue).toBe(1)
      yield* moveClock(0)
    })
  )

  it.effect("is left for later with as many others as are read at a time, and the one behind them is done", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { eraseDue } = yield* Erasures
      yield* sql`
        with crowd as (
          insert into hogsend.contacts (id, first_seen_at, last_seen_at, erase_after)
          select gen_random_uuid(), hogsend.now(), hogsend.now(), hogsend.now() from generate_series(1, 101) returning id
        )
        insert into hogsend.erasures (id, contact_id, status, actor, due_at)
        select gen_random_uuid(), id, 'pending', 'a test', hogsend.now() - make_interval(mins => row_number() over ()::int)
        from crowd`
      const other = yield* openTransaction(sql`
        select from hogsend.contacts c join hogsend.erasures e on e.contact_id = c.id
        where e.status = 'pending' order by e.due_at limit 100 for update of c`)
      expect(yield* Effect.timeout(eraseDue, 10_000)).toBe(1)
      yield* other.commit
      expect(yield* eraseDue).toBe(100)
    })
  )

  it.effect("waits its own time when it was cancelled and asked for again while others were erased", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { eraseDue } = yield* Erasures
      const first = yield* put({ userId: "u_first" })
      const second = yield* put({ userId: "u_second" })
      yield* eraseSoftly({ userId: "u_first" })
      const { id } = yield* eraseSoftly({ userId: "u_second" })
      yield* moveClock(8)
      const event = yield* openTransaction(
        sql`select from hogsend.identity_keys where contact_id = ${first.id} for key share`
      )
      const erasing = yield* Effect.forkChild(eraseDue)
      yield* somebodyWaits
      expect((yield* cancel(id)).status).toBe(200)
      const again = yield* eraseSoftly({ userId: "u_second" })
      yield* event.commit
      expect(yield* Fiber.join(erasing)).toBe(1)
      expect((yield* get("/v1/admin/erasures", { status: "pending" })).body.erasures).toMatchObject([
        { id: again.id, contactId: second.id }
      ])
      yield* moveClock(16)
      expect(yield* eraseDue).toBe(1)
      yield* moveClock(0)
    })
  )

  it.effect("that cannot be done does not keep the others", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { eraseDue } = yield* Erasures
      const stuck = yield* put({ userId: "u_stuck" })
      yield* put({ userId: "u_free" })
      yield* eraseSoftly({ userId: "u_stuck" })
      yield* eraseSoftly({ userId: "u_free" })
      yield* sql`create table public.holds (contact_id uuid references hogsend.contacts (id))`
      yield* sql`insert into public.holds values (${stuck.id})`
      yield* moveClock(8)
      expect(yield* eraseDue).toBe(1)
      expect((yield* get("/v1/admin/erasures", { status: "pending" })).body.erasures).toMatchObject([
        { contactId: stuck.id }
      ])
      yield* sql`drop table public.holds`
      expect(yield* eraseDue).toBe(1)
      yield* moveClock(0)
    })
  )
})

layer(TestHogsend.layer({ erasures: { interval: 20, softDays: 2 } }), options)("Erasures by themselves", (it) => {
  it.effect("are done at their interval, after as many days as the operator says", () =>
    Effect.gen(function* () {
      yield* put({ userId: "u_itself" })
      const { dueAt, id, requestedAt } = yield* eraseSoftly({ userId: "u_itself" })
      expect(Date.parse(dueAt) - Date.parse(requestedAt)).toBe(2 * dayMs)
      yield* moveClock(2.001)
      const done = yield* get(`/v1/admin/erasures/${id}`).pipe(
        Effect.delay(20),
        Effect.repeat({ until: ({ body }) => body.erasure.status === "done" }),
        Effect.timeout(5000)
      )
      expect(done.body.erasure.removed).toMatchObject({ contacts: 1 })
    })
  )
})
