/** What operators see of warnings, through real HTTP: kinds, counts, examples, and nobody's whole key. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { expectRefusal } from "../expectRefusal.ts"
import { newDevice } from "../newDevice.ts"
import { signToken } from "../signToken.ts"
import { storedPeople, warningCounts } from "../storedState.ts"

type Fields = Readonly<Record<string, unknown>>

const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

const track = Effect.fnUntraced(function* (body: Fields, headers: Readonly<Record<string, string>> = {}) {
  const { asServer } = yield* TestHogsend
  const answer = yield* asServer("POST", "/v1/events", { name: "warned", ...body }, headers)
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
  return answer.body
})

const get = Effect.fnUntraced(function* (path: string, query: Readonly<Record<string, string>> = {}) {
  const { asServer } = yield* TestHogsend
  return yield* asServer("GET", `/v1/admin/warnings${path}?${new URLSearchParams(query)}`)
})

const codesOf = (list: ReadonlyArray<{ readonly code: string }>) => list.map(({ code }) => code)

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Warnings for operators", (it) => {
  it.effect("come by kind, most recent first, with a hint, counts by source, and the last 5 examples", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const junk = yield* track({ userId: "undefined", email: "warned@example.com" })
      yield* track({ userId: "u_warned", timestamp: "2001-01-01T00:00:00Z" })
      for (let n = 1; n <= 6; n++) yield* track({ userId: `u_warned_${n}`, properties: { plan: "free" } })
      for (const anonymousId of ["a_warned_1", "a_warned_2"]) {
        const answer = yield* asBrowser("POST", "/v1/events", { name: "warned", anonymousId, properties: {} })
        expect(codesOf(answer.body.warnings)).toEqual(["unknown_field"])
      }

      const { body } = yield* get("")
      expect(body).toMatchObject({ total: 3, limit: 50, offset: 0 })
      expect(codesOf(body.warnings)).toEqual(["unknown_field", "timestamp_out_of_range", "junk_key"])
      const [unknown, late, placeholder] = body.warnings
      expect(unknown).toEqual({
        code: "unknown_field",
        hint: expect.stringContaining("eventProperties"),
        total: 8,
        sources: { api: 6, inapp: 2 },
        firstAt: instant,
        lastAt: instant,
        examples: ["inapp", "inapp", "api", "api", "api"].map((source) => ({
          key: null,
          hint: expect.stringContaining("no field named properties"),
          source,
          occurredAt: instant
        }))
      })
      expect(unknown.lastAt).toBe(unknown.examples[0].occurredAt)
      expect(late).toMatchObject({ total: 1, sources: { api: 1 } })
      expect(placeholder).toMatchObject({
        total: 1,
        sources: { api: 1 },
        examples: [{ key: junk.warnings[0].key, hint: junk.warnings[0].hint, source: "api" }]
      })
      expect(placeholder.firstAt).toBe(placeholder.lastAt)

      expect((yield* get("", { limit: "1", offset: "1" })).body).toMatchObject({
        total: 3,
        warnings: [{ code: "timestamp_out_of_range" }]
      })
      expect((yield* get("", { code: "junk_key" })).body).toMatchObject({ total: 1, warnings: [{ code: "junk_key" }] })
      expect((yield* get("", { code: "junk" })).body).toMatchObject({ total: 0, warnings: [] })
      expectRefusal(yield* get("", { code: "\u0000" }), 400, "RequestInvalid", undefined, "NUL")
    })
  )

  it.effect("have a page of examples for each code, newest first, and an empty one for a code that never came", () =>
    Effect.gen(function* () {
      for (const userId of [" first", " second", " third"]) yield* track({ userId, email: "paged@example.com" })
      const first = (yield* get("/malformed_key", { limit: "2" })).body
      expect(first).toMatchObject({ total: 3, limit: 2, offset: 0 })
      const values = (page: typeof first) => page.examples.map(({ key }: { key: { value: string } }) => key.value)
      expect(values(first)).toEqual(["th…", "sec…"])
      expect(values((yield* get("/malformed_key", { limit: "2", offset: "2" })).body)).toEqual(["fi…"])
      expect(yield* get("/never_given")).toMatchObject({ status: 200, body: { examples: [], total: 0 } })
      expect(yield* get("/malformed_key", { code: "x" })).toMatchObject({ status: 400 })
    })
  )

  it.effect("never show a whole email, whatever kind of key it came as, nor does any row", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* track({ userId: "u_holder", email: "held@mail.example" })
      yield* track({ userId: "owner@mail.example", anonymousId: "a_owner" })
      const sent: ReadonlyArray<readonly [code: string, body: Fields]> = [
        ["malformed_key", { userId: "u_1", email: "hid\u200bden@mail.example" }],
        ["malformed_key", { userId: "u_1", email: "ÄRA@mail.example" }],
        ["email_moved", { userId: "u_2", email: "held@mail.example" }],
        ["malformed_key", { userId: "ada@mail.example ", email: "fine@mail.example" }],
        ["malformed_key", { userId: `x${" ".repeat(9)}bo@mail.example\u0007`, email: "fine@mail.example" }],
        ["malformed_key", { userId: `long@mail.example${"x".repeat(200)}`, email: "fine@mail.example" }],
        ["malformed_key", { userId: "u_3", anonymousId: " eve@mail.example" }],
        ["malformed_key", { userId: "u_3", anonymousId: " a@b.io" }],
        ["join_refused", { userId: "u_4", anonymousId: "a_owner" }]
      ]
      for (const [code, body] of sent) {
        expect(codesOf((yield* track(body)).warnings ?? []), JSON.stringify(body)).toEqual([code])
      }
      const paths = ["", "/malformed_key", "/join_refused", "/email_moved"]
      const lists = yield* Effect.forEach(paths, (path) => get(path, { limit: "100" }))
      const rows = yield* sql`select * from hogsend.warnings`
      expect(rows.length).toBeGreaterThanOrEqual(sent.length)
      const everything = JSON.stringify([...lists.map(({ body }) => body), rows]).toLowerCase()
      expect(everything).toContain("…@mail.example")
      for (const local of ["held", "den", "ära", "ada", "bo", "long", "eve", "owner", "fine"]) {
        expect(everything).not.toContain(`${local}@mail.example`)
      }
      expect(everything).not.toContain("a@b.io")
      expect(everything).not.toContain("a_owner")
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("A warning is recorded", (it) => {
  it.effect("for no request that is refused, but for one whose every key is, and for no duplicate", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const { anonymousId, headers } = newDevice()
      yield* asServer("PUT", "/v1/contacts", { userId: "u_known", anonymousId: "a_known" })
      yield* asBrowser("POST", "/v1/events", { name: "n", anonymousId }, headers)
      const once = { userId: "u_known", email: "undefined" }
      const key = { "idempotency-key": "once" }
      expect(codesOf((yield* track(once, key)).warnings)).toEqual(["junk_key"])
      const before = yield* storedPeople
      expect(yield* warningCounts).toEqual({ junk_key: 1 })

      expect(yield* track(once, key)).toMatchObject({ stored: false })
      const reused = yield* asServer("POST", "/v1/events", { name: "other", ...once }, key)
      expect(reused).toMatchObject({ status: 409, body: { _tag: "IdempotencyKeyReused" } })
      const nobody = yield* asServer("POST", "/v1/events", { name: "n", userId: "undefined" })
      expect(nobody).toMatchObject({ status: 400, body: { warnings: [{ code: "junk_key" }] } })
      // A token for a junk user leaves the anonymous id, which is an identified person's.
      const token = { "x-hogsend-user-token": signToken("undefined") }
      const junk = { userId: "undefined", anonymousId: "a_known" }
      const denied = { status: 403, body: { _tag: "IdentityDenied" } }
      expect(yield* asBrowser("POST", "/v1/events", { name: "n", ...junk }, token)).toMatchObject(denied)
      const properties = { plan: "pro" }
      expect(yield* asBrowser("PUT", "/v1/contacts", { ...junk, properties }, token)).toMatchObject(denied)
      const own = "/v1/contacts/me?anonymousId=u_known"
      expect(yield* asBrowser("GET", own, undefined, token)).toMatchObject(denied)
      expect(yield* storedPeople).toEqual(before)
      // Who sends nothing but placeholders is the one to be told of.
      expect(yield* warningCounts).toEqual({ junk_key: 2 })
    })
  )

  it.effect("of every route that warns, and names the contact that it was about", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      const contact = yield* asServer("PUT", "/v1/contacts", { userId: "u_named", lists: { news: true } })
      const token = { "x-hogsend-user-token": signToken("u_named") }
      const read = yield* asBrowser("GET", "/v1/contacts/me?anonymousId=null", undefined, token)
      expect(read.status).toBe(200)
      yield* track({ userId: "u_named", timestamp: "2001-01-01T00:00:00Z" })
      yield* warningCounts
      const rows = yield* sql`
        select code, source from hogsend.warnings where contact_id = ${contact.body.id} order by id`
      expect(rows).toEqual([
        { code: "lists_not_available", source: "api" },
        { code: "junk_key", source: "inapp" },
        { code: "timestamp_out_of_range", source: "api" }
      ])
    })
  )

  it.effect("of a person who was erased, though nothing else is kept, whichever route named them", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      yield* asServer("PUT", "/v1/contacts", { userId: "u_left" })
      yield* asServer("DELETE", "/v1/contacts", { userId: "u_left" })
      const gone = { userId: "u_left", anonymousId: "null" }
      const upsert = yield* asServer("PUT", "/v1/contacts", gone)
      expect(codesOf(upsert.body.warnings)).toEqual(["junk_key", "erased_person"])
      expect(codesOf((yield* track(gone)).warnings)).toEqual(["junk_key", "erased_person"])
      const { body } = yield* get("", { code: "erased_person" })
      expect(body.warnings).toMatchObject([{ total: 2, sources: { api: 2 } }])
      const sql = yield* PgClient.PgClient
      expect(yield* sql`select from hogsend.warnings where code = 'erased_person' and contact_id is null`).toHaveLength(
        2
      )
    })
  )

  it.effect("once, however often the database made the request begin again, also at its commit", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      yield* sql`create sequence tries`
      yield* sql`
        create function fail_twice() returns trigger language plpgsql as $$ begin
          if nextval('tries') <= 2 then raise exception using errcode = '40001'; end if;
          return null;
        end $$`
      yield* sql`
        create constraint trigger fail_twice after insert on hogsend.contacts deferrable initially deferred
          for each row execute function fail_twice()`
      const before = (yield* warningCounts)["junk_key"] ?? 0
      yield* track({ userId: "u_again", email: "undefined" })
      expect((yield* warningCounts)["junk_key"]).toBe(before + 1)
      yield* sql`alter sequence tries restart`
      yield* asServer("PUT", "/v1/contacts", { userId: "u_again_2", email: "undefined" })
      expect((yield* warningCounts)["junk_key"]).toBe(before + 2)
      const [tries] = yield* sql<{ last: number }>`select last_value::int as last from tries`
      expect(tries?.last).toBe(3)
    })
  )
})
