/** What is told of contacts that events change, when they are stored together: as if each had come alone. */
import { expect, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { ContactCreatedData, ContactUpdatedData } from "@hogsend/core"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Schema } from "effect"
import { contact, fresh, put, track } from "../IdentityResolver/operatorWorld.ts"
import { deliveriesTo, subscribe, telling } from "../OutboundMessages/subscribe.ts"
import { TwoEngines } from "./TwoEngines.ts"

const sendAll = Effect.fnUntraced(function* (events: ReadonlyArray<object>) {
  const { asServer } = yield* TestHogsend
  const answer = yield* asServer("POST", "/v1/events/batch", { events })
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })(
  "What a group of events tells",
  (it) => {
    it.effect("of a contact that it makes is what everybody may read of it then", () =>
      Effect.gen(function* () {
        const { e, u } = fresh()
        const events = yield* telling(track({ userId: u, email: e, contactProperties: { plan: "team" } }))
        expect(events).toHaveLength(1)
        const known = yield* contact(events[0]?.contactId ?? "")
        const whom = { userId: u, contactKeyKind: "external", contactId: known.id }
        expect(events[0]).toMatchObject({ type: "contact.created", contactId: known.id, data: { ...known, ...whom } })
        expect(known).toMatchObject({ externalId: u, email: e, properties: { plan: "team" } })
        yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ContactCreatedData))(events[0]?.data)
      })
    )

    it.effect("of a contact that it changes is each change, in their order", () =>
      Effect.gen(function* () {
        const { u } = fresh()
        yield* put({ userId: u, properties: { plan: "free", city: "Bonn" } })
        const changes = [{ plan: "team" }, { city: "Köln" }, { plan: "team" }, { plan: null }]
        const events = yield* telling(
          sendAll(changes.map((contactProperties) => ({ name: "n", userId: u, contactProperties })))
        )
        expect(events.map(({ data, type }) => [type, data.changedProperties, data.properties])).toEqual([
          ["contact.updated", ["plan"], { plan: "team", city: "Bonn" }],
          ["contact.updated", ["city"], { plan: "team", city: "Köln" }],
          ["contact.updated", ["plan"], { city: "Köln" }]
        ])
        const last = events.at(-1)
        expect(last?.data).toMatchObject({ ...(yield* contact(last?.contactId ?? "")), userId: u })
        yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ContactUpdatedData))(last?.data)
      })
    )

    it.effect("is nothing when nothing but the time changes at which somebody was seen, and of a duplicate", () =>
      Effect.gen(function* () {
        const { u } = fresh()
        const change = { userId: u, contactProperties: { n: 1 }, idempotencyKey: `once ${u}` }
        yield* track(change)
        yield* put({ userId: u, properties: { n: 2 } })
        const later = new Date(Date.now() + 240_000).toISOString()
        expect(yield* telling(Effect.andThen(track({ userId: u, timestamp: later }), track(change)))).toEqual([])
      })
    )

    it.effect("is delivered to whoever subscribes, in turns of each contact", () =>
      Effect.gen(function* () {
        const [both, created] = [
          yield* subscribe("contact.created", "contact.updated"),
          yield* subscribe("contact.created")
        ]
        const { u, v } = fresh()
        const name = "n"
        yield* sendAll([
          { name, userId: u },
          { name, userId: v },
          { name, userId: u, contactProperties: { n: 1 } }
        ])
        expect((yield* deliveriesTo(both)).map(({ status, type }) => `${type} ${status}`)).toEqual([
          "contact.created pending",
          "contact.created pending",
          "contact.updated pending"
        ])
        expect(yield* deliveriesTo(created)).toHaveLength(2)
      })
    )
  }
)

layer(TwoEngines.layer, { excludeTestServices: true, timeout: "30 seconds" })("What a group of events tells", (it) => {
  it.effect("is told once when somebody else is faster and the group begins again", () =>
    Effect.gen(function* () {
      const { before, other, ours } = yield* TwoEngines
      yield* ours.send({ name: "before", userId: "u", contactProperties: { n: 0 } })
      const events = yield* telling(
        before(
          "the insert",
          other.send({ name: "theirs", userId: "u", contactProperties: { theirs: 1 } }),
          ours.send({ name: "ours", userId: "u", contactProperties: { n: 1 } })
        )
      ).pipe(Effect.provideService(PgClient.PgClient, ours.sql))
      expect(events.map(({ data }) => data.properties)).toEqual([
        { n: 0, theirs: 1 },
        { n: 1, theirs: 1 }
      ])
    })
  )
})
