/** What is told of contacts: every kind of change, and that what is no change tells nothing; through real HTTP. */
import { expect, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { ContactCreatedData, ContactMergedData, ContactUpdatedData } from "@hogsend/core"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Schema } from "effect"
import { contact, fresh, merge, merged, parted, put, split, track, visit } from "../IdentityResolver/operatorWorld.ts"
import { deliveriesTo, subscribe, type Told, telling } from "./subscribe.ts"

const typesOf = (events: ReadonlyArray<Told>) => events.map(({ type }) => type)

const isUpdate = (event: Told | undefined, changed: ReadonlyArray<string>, names: ReadonlyArray<string> = []) =>
  expect(event).toMatchObject({ type: "contact.updated", data: { changed, changedProperties: names } })

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("What is told of a contact", (it) => {
  it.effect("that was made is all that everybody may read of it, with its contact key", () =>
    Effect.gen(function* () {
      const { a, e, u } = fresh()
      const person = { userId: u, email: e, anonymousId: a, properties: { plan: "team" }, timezone: "Europe/Berlin" }
      const [event, ...more] = yield* telling(put(person))
      expect(more).toEqual([])
      const known = yield* contact(event?.contactId ?? "")
      const whom = { userId: u, contactKeyKind: "external", contactId: known.id }
      expect(event).toMatchObject({ type: "contact.created", contactId: known.id, data: { ...known, ...whom } })
      expect(known).toMatchObject({ externalId: u, email: e, anonymousId: a, properties: { plan: "team" } })
      yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ContactCreatedData))(event?.data)
    })
  )

  it.effect("names what changed, and has all of it as it is then", () =>
    Effect.gen(function* () {
      const { a, b, e, f, u } = fresh()
      yield* put({ userId: u, properties: { plan: "free", city: "Bonn", tags: { x: 1, y: [2] } } })
      let updatedAt = ""
      const tells = Effect.fnUntraced(function* (body: object) {
        const events = yield* telling(put({ userId: u, ...body }))
        expect(events, JSON.stringify(body)).toHaveLength(1)
        const known = yield* contact(events[0]?.contactId ?? "")
        expect(events[0]?.data).toMatchObject({ ...known, userId: u, contactId: known.id })
        expect(String(known.updatedAt) > updatedAt, `${JSON.stringify(body)} moves updatedAt`).toBe(true)
        updatedAt = String(known.updatedAt)
        yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ContactUpdatedData))(events[0]?.data)
        return events[0]
      })
      isUpdate(yield* tells({ properties: { plan: "team", city: "Bonn" } }), ["properties"], ["plan"])
      isUpdate(yield* tells({ properties: { plan: null } }), ["properties"], ["plan"])
      isUpdate(yield* tells({ properties: { tags: { x: 1, y: [3] } } }), ["properties"], ["tags"])
      isUpdate(yield* tells({ timezone: "Europe/Berlin" }), ["timezone"])
      isUpdate(yield* tells({ timezone: null }), ["timezone"])
      isUpdate(yield* tells({ email: e }), ["keys"])
      isUpdate(yield* tells({ email: f }), ["keys"])
      isUpdate(yield* tells({ anonymousId: a }), ["keys"])
      // Not the one that is shown, and a key all the same.
      isUpdate(yield* tells({ anonymousId: b }), ["keys"])
      // Known already, and the one that mail goes to from now on.
      isUpdate(yield* tells({ email: e }), ["keys"])
      const two = { email: fresh().e, properties: { plan: "pro" }, timezone: "Asia/Tokyo" }
      isUpdate(yield* tells(two), ["keys", "properties", "timezone"], ["plan"])
    })
  )

  it.effect("is nothing when nothing changes: the same again, seen again, what is refused, who only looks", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const { a, b, c, e, u, v } = fresh()
      const person = {
        userId: u,
        email: e,
        anonymousId: a,
        properties: { plan: { a: 1, b: 2 } },
        timezone: "Asia/Tokyo"
      }
      yield* put(person)
      yield* put({ userId: v, anonymousId: c })
      const nothing = Effect.gen(function* () {
        yield* put(person)
        yield* put({ userId: u, properties: { plan: { b: 2, a: 1 }, absent: null } })
        yield* put({ userId: u, timezone: "Mars/Olympus" })
        yield* put({ userId: u, anonymousId: "undefined" })
        const later = new Date(Date.now() + 240_000).toISOString()
        yield* track({ userId: u, timestamp: later })
        yield* track({ userId: u, timestamp: "2020-01-01T00:00:00Z" })
        // Somebody else's, and it stays so.
        yield* put({ userId: u, anonymousId: c })
        yield* visit(b)
        expect((yield* asBrowser("PUT", "/v1/contacts", { anonymousId: a, properties: { plan: "x" } })).status).toBe(
          403
        )
        expect((yield* asServer("PUT", "/v1/contacts", { properties: { plan: "x" } })).status).toBe(400)
        expect((yield* merge({ survivor: u, absorbed: v, dryRun: true })).status).toBe(200)
        expect((yield* split({ contact: u, keys: [a], dryRun: true })).status).toBe(200)
        expect((yield* merge({ survivor: u, absorbed: u })).status).toBe(409)
      })
      expect(yield* telling(nothing)).toEqual([])
    })
  )

  it.effect("that was merged is under which keys it was known; what it brought is told after that", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      const away = yield* put({ anonymousId: a, properties: { from: "anonymous" } })
      const stays = yield* put({ userId: u })
      const events = yield* telling(track({ userId: u, anonymousId: a, contactProperties: { plan: "team" } }))
      const whom = { userId: u, contactKeyKind: "external", contactId: stays.id }
      expect(events).toMatchObject([
        {
          type: "contact.merged",
          contactId: stays.id,
          data: { ...whom, previousKeys: [{ userId: a, contactKeyKind: "anonymous", contactId: away.id }] }
        },
        { type: "contact.updated", contactId: stays.id, data: { ...whom, anonymousId: a } }
      ])
      isUpdate(events[1], ["keys", "properties"], ["from", "plan"])
      yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ContactMergedData))(events[0]?.data)
    })
  )

  it.effect("that was merged is also what its own key was, when that is another now", () =>
    Effect.gen(function* () {
      const { a, e } = fresh()
      const stays = yield* put({ email: e })
      const away = yield* put({ anonymousId: a })
      const [event] = yield* telling(put({ email: e, anonymousId: a }))
      expect(event).toMatchObject({
        type: "contact.merged",
        data: {
          userId: a,
          contactId: stays.id,
          previousKeys: [
            { userId: a, contactKeyKind: "anonymous", contactId: away.id },
            { userId: stays.id, contactKeyKind: "contact", contactId: stays.id }
          ]
        }
      })
    })
  )

  it.effect("two who went into one by one request are told as one merge", () =>
    Effect.gen(function* () {
      const { a, e, u } = fresh()
      const { id } = yield* put({ userId: u })
      const gone = [yield* put({ email: e }), yield* put({ anonymousId: a })]
      const events = yield* telling(put({ userId: u, email: e, anonymousId: a }))
      expect(typesOf(events)).toEqual(["contact.merged", "contact.updated"])
      expect(events[0]?.data).toMatchObject({ contactId: id, previousKeys: gone.map(({ id }) => ({ contactId: id })) })
    })
  )

  it.effect("a contact that would be made only to be merged away is never told; the other one gets its key", () =>
    Effect.gen(function* () {
      const { e, u } = fresh()
      const { id } = yield* put({ email: e })
      const [event, ...more] = yield* telling(put({ userId: u, email: e }))
      expect(more).toEqual([])
      isUpdate(event, ["keys"])
      expect(event?.data).toMatchObject({ userId: u, contactId: id, email: e })
    })
  )

  it.effect("who loses a key to somebody is told before whoever gets it", () =>
    Effect.gen(function* () {
      const { e, u, v } = fresh()
      const before = yield* put({ userId: u, email: e })
      const events = yield* telling(put({ userId: v, email: e }))
      expect(events).toMatchObject([
        { type: "contact.updated", contactId: before.id, data: { userId: u, email: null } },
        { type: "contact.created", data: { userId: v, email: e } }
      ])
      isUpdate(events[0], ["keys"])
      const back = yield* telling(put({ userId: u, email: e }))
      expect(back.map(({ data }) => [data.userId, data.email])).toEqual([
        [v, null],
        [u, e]
      ])
    })
  )

  it.effect("an anonymous id that is named as a user's is told as a key, and takes along what browsers wrote", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { a } = fresh()
      yield* asBrowser("PUT", "/v1/contacts", { anonymousId: a, properties: { seen: true } })
      const [event, ...more] = yield* telling(put({ userId: a }))
      expect(more).toEqual([])
      isUpdate(event, ["keys", "properties"], ["seen"])
      expect(event?.data).toMatchObject({ userId: a, contactKeyKind: "external", anonymousId: null, properties: {} })
    })
  )

  it.effect("a repetition that its idempotency key tells changes nothing, and tells nothing", () =>
    Effect.gen(function* () {
      const { a, b, u } = fresh()
      yield* put({ userId: u, anonymousId: a })
      const event = { userId: u, anonymousId: b, contactProperties: { plan: "team" }, idempotencyKey: `once-${u}` }
      expect(typesOf(yield* telling(track(event)))).toEqual(["contact.updated"])
      yield* put({ userId: u, properties: { plan: "free" } })
      expect(yield* telling(track(event))).toEqual([])
    })
  )

  it.effect("an operator's merge and split are told as what they do; what was told of them as one is withdrawn", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { a, b, u } = fresh()
      const away = yield* put({ anonymousId: a, properties: { town: "Ulm" } })
      const stays = yield* put({ userId: u, properties: { plan: "team" } })
      const endpoint = yield* subscribe("contact.created", "contact.updated", "contact.merged")
      yield* visit(b)
      const came = yield* telling(merged(u, b))
      isUpdate(came[0], ["keys"])
      const one = yield* telling(merged(u, a))
      expect(one).toMatchObject([
        { type: "contact.merged", data: { contactId: stays.id, previousKeys: [{ userId: a, contactId: away.id }] } },
        { type: "contact.updated", data: { changed: ["keys", "properties"], changedProperties: ["town"] } }
      ])
      expect(yield* deliveriesTo(endpoint)).toHaveLength(3)

      const two = yield* telling(parted(u, a))
      expect(two).toMatchObject([
        { type: "contact.updated", contactId: stays.id, data: { properties: { plan: "team" }, userId: u } },
        { type: "contact.created", contactId: away.id, data: { properties: { town: "Ulm" }, userId: a } }
      ])
      isUpdate(two[0], ["keys", "properties"], ["town"])
      expect(two[1]?.data).toMatchObject(yield* contact(away.id))
      expect(yield* deliveriesTo(endpoint)).toMatchObject([{ contactId: stays.id }, { contactId: away.id }])
      const ofThem = yield* sql`
        select id from hogsend.outbound_messages where contact_id = any(${[stays.id, away.id]}::uuid[]) order by id`
      expect(ofThem).toEqual(two.map(({ id }) => ({ id })))
    })
  )

  it.effect("what waits to be told of somebody who is merged away is the survivor's, and keeps its turn", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      const endpoint = yield* subscribe("contact.created", "contact.updated", "contact.merged")
      yield* put({ anonymousId: a })
      const { id } = yield* put({ userId: u })
      yield* put({ userId: u, anonymousId: a })
      expect(yield* deliveriesTo(endpoint)).toMatchObject([
        { type: "contact.created", contactId: id },
        { type: "contact.created", contactId: id },
        { type: "contact.merged", contactId: id },
        { type: "contact.updated", contactId: id }
      ])
    })
  )

  it.effect("is told in the order in which it happened, whoever wrote at the same time", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { u } = fresh()
      const endpoint = yield* subscribe("contact.updated")
      yield* put({ userId: u })
      const names = Array.from({ length: 24 }, (_, n) => `p${n}`)
      yield* Effect.forEach(names, (name) => put({ userId: u, properties: { [name]: true } }), { concurrency: 8 })
      const rows = yield* sql<{ body: string }>`
        select m.body from hogsend.deliveries d join hogsend.outbound_messages m on m.id = d.message_id
        where d.endpoint_id = ${endpoint} order by d.turn`
      const seen = rows.map(({ body }) => Object.keys(JSON.parse(body).data.properties).length)
      expect(seen).toEqual(names.map((_, n) => n + 1))
    })
  )
})
