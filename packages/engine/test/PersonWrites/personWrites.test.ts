/** Durable writes to persons: what is kept, whose it is, in which order it arrives, and what an erasure leaves of it. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import type { AnalyticsMessage, ContactId } from "@hogsend/core"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Fiber, Latch } from "effect"
import { Erasures } from "../../src/Erasures.ts"
import { PersonReads } from "../../src/PersonReads.ts"
import { PersonWrites } from "../../src/PersonWrites.ts"
import { strangerId } from "../../src/strangerId.ts"
import { Tombstones } from "../../src/Tombstones.ts"
import { Warnings } from "../../src/Warnings.ts"
import { times, until } from "../DestinationQueue/queue.ts"
import { openTransaction } from "../openTransaction.ts"
import { refuses, scriptedSource } from "../ScriptedProvider.ts"

const options = { excludeTestServices: true, timeout: "60 seconds" } as const
const serverOf = (source: ReturnType<typeof scriptedSource>["source"], slots: number) =>
  TestHogsend.layer({
    analytics: { provider: source },
    destinationQueue: { slots, schedule: times(50, () => 5), breaker: { tries: 1_000_000 } }
  })

const put = (body: object) =>
  Effect.flatMap(TestHogsend, ({ asServer }) =>
    Effect.map(asServer("PUT", "/v1/contacts", body), ({ body: { id } }): ContactId => id)
  )

/** What was told, oldest first, and whose its delivery is. */
const told = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql<{ type: string; contactId: string; body: AnalyticsMessage }>`
    select m.type, d.contact_id as "contactId", m.body::json as body
    from hogsend.outbound_messages m join hogsend.deliveries d on d.message_id = m.id
    where m.type in ('person.set', 'group.set') order by d.turn`
)

const clear = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql`with gone as (delete from hogsend.deliveries) delete from hogsend.outbound_messages`
)

const still = scriptedSource()

layer(serverOf(still.source, 0), options)("A write", (it) => {
  it.effect("is a message of the contact that holds the id as any key, and of a stranger's own else", () =>
    Effect.gen(function* () {
      yield* clear
      const { set, setGroup } = yield* PersonWrites
      const contactId = yield* put({ userId: "w_user", anonymousId: "w_anonymous", email: "w@x.co" })
      yield* set({ distinctId: "w_user", set: { plan: "pro" } })
      yield* set({ distinctId: "w_anonymous", setOnce: { first: 1 } })
      yield* set({ distinctId: contactId, unset: ["old"] })
      yield* set({ distinctId: "w@x.co", set: { a: 1 } })
      yield* set({ distinctId: "w_stranger", set: { a: 1 } })
      yield* setGroup({ groupType: "company", groupKey: "acme", properties: { seats: 3 } })
      const rows = yield* told
      const tombstones = yield* Tombstones
      expect(rows.map((row) => row.contactId).slice(0, 5)).toEqual([
        contactId,
        contactId,
        contactId,
        strangerId(tombstones, "w@x.co"),
        strangerId(tombstones, "w_stranger")
      ])
      expect(rows[0]?.body.data).toEqual({ distinctId: "w_user", set: { plan: "pro" } })
      expect(rows[5]).toMatchObject({
        type: "group.set",
        body: { data: { groupType: "company", groupKey: "acme", properties: { seats: 3 } } }
      })
      expect(JSON.stringify(rows.map((row) => row.contactId))).not.toContain("stranger")
    })
  )

  it.effect("of nothing, or that is invalid, is no message", () =>
    Effect.gen(function* () {
      yield* clear
      const { set } = yield* PersonWrites
      yield* set({ distinctId: "w_user", set: {} })
      const failure = yield* Effect.flip(set({ distinctId: "undefined", set: { a: 1 } }))
      expect(failure._tag).toBe("PersonChangeInvalid")
      expect(yield* told).toEqual([])
    })
  )

  it.effect("of an erased person is left alone, with a warning for the operator", () =>
    Effect.gen(function* () {
      yield* clear
      const { set } = yield* PersonWrites
      const contactId = yield* put({ userId: "gone_user", email: "gone@x.co" })
      yield* Effect.flatMap(Erasures, ({ erase }) => erase(contactId, { name: "a test", keyId: null }))
      yield* clear
      yield* set({ distinctId: "gone_user", set: { a: 1 } })
      yield* set({ distinctId: "gone@x.co", set: { a: 1 } })
      yield* set({ distinctId: "Gone@X.co", set: { a: 1 } })
      yield* set({ distinctId: "here_user", set: { a: 1 } })
      expect((yield* told).map(({ body }) => body.data)).toEqual([{ distinctId: "here_user", set: { a: 1 } }])
      const { warnings } = yield* Effect.flatMap(Warnings, ({ list }) =>
        list({ limit: 10, offset: 0 }, "erased_person")
      )
      expect(warnings[0]?.total).toBe(3)
      expect(JSON.stringify(warnings)).not.toContain("gone_user")
    })
  )

  it.effect(
    "before anybody held the id goes over to whoever holds it, in its turn; an erasure leaves nothing of it",
    () =>
      Effect.gen(function* () {
        yield* clear
        const sql = yield* PgClient.PgClient
        const { set } = yield* PersonWrites
        const late = (distinctId: string) => set({ distinctId, set: { secret: "s3cret" } })
        yield* late("later_user")
        yield* late("later_anonymous")
        yield* late("later@x.co")
        const contactId = yield* put({ userId: "later_user", anonymousId: "later_anonymous", email: "later@x.co" })
        yield* set({ distinctId: "later_user", set: { now: true } })
        const rows = (yield* told).filter(({ body }) => JSON.stringify(body).includes("later_user"))
        expect(rows.map((row) => row.contactId)).toEqual([contactId, contactId])
        yield* Effect.flatMap(Erasures, ({ erase }) => erase(contactId, { name: "a test", keyId: null }))
        for (const table of ["outbound_messages", "deliveries"]) {
          const left = yield* sql<{ row: string }>`
          select t::text as row from ${sql.literal(`hogsend.${table}`)} t
          where strpos(t::text, 's3cret') > 0 or strpos(t::text, ${contactId}) > 0
            or strpos(t::text, 'later') > 0 and strpos(t::text, 'person.delete') = 0`
          expect(
            left.filter(({ row }) => !row.includes("contact.deleted")),
            table
          ).toEqual([])
        }
      })
  )

  it.effect("waits for whoever is at its contact, and the others do not", () =>
    Effect.gen(function* () {
      yield* clear
      const { set } = yield* PersonWrites
      const busy = yield* put({ userId: "busy_user" })
      yield* put({ userId: "free_user" })
      const sql = yield* PgClient.PgClient
      const { commit } = yield* openTransaction(sql`select from hogsend.contacts where id = ${busy} for update`)
      const waiting = yield* Effect.forkChild(
        Effect.forEach(["busy_user", "free_user"], (distinctId) => set({ distinctId, set: { a: 1 } }), {
          concurrency: "unbounded",
          discard: true
        })
      )
      const seen = yield* until(told, ({ length }) => length > 0)
      expect(seen.map(({ body }) => body.data)).toMatchObject([{ distinctId: "free_user" }])
      yield* commit
      yield* Fiber.join(waiting)
      expect(yield* told).toHaveLength(2)
    })
  )

  it.effect("drops the person from the memory of reads", () =>
    Effect.gen(function* () {
      const { propertiesOrEmpty } = yield* PersonReads
      const { set } = yield* PersonWrites
      const readers = () => still.scripted.read.filter((id) => id === "read_user").length
      yield* propertiesOrEmpty("read_user")
      yield* propertiesOrEmpty("read_user")
      expect(readers()).toBe(1)
      yield* set({ distinctId: "read_user", set: { a: 1 } })
      yield* propertiesOrEmpty("read_user")
      expect(readers()).toBe(2)
    })
  )

  it.effect("is nothing at all without a provider that takes any, whatever it says", () =>
    Effect.gen(function* () {
      yield* clear
      const { set, setGroup } = yield* PersonWrites
      still.scripted.writes(false)
      yield* set({ distinctId: "w_user", set: { a: 1 } })
      yield* set({ distinctId: "undefined", set: { a: 1 } })
      yield* setGroup({ groupType: "company", groupKey: "acme" })
      still.scripted.writes(true)
      expect(yield* told).toEqual([])
      const sql = yield* PgClient.PgClient
      expect(yield* sql`select from hogsend.outbound_messages where type in ('person.set', 'group.set')`).toEqual([])
    })
  )
})

const busy = scriptedSource()

layer(serverOf(busy.source, 64), options)("Writes at a provider that fails now and then", (it) => {
  it.effect("arrive in the order of each person, contact or stranger, or first the one and then the other", () =>
    Effect.gen(function* () {
      const { set } = yield* PersonWrites
      const { does, took } = busy.scripted
      const gate = yield* Latch.make()
      const state = { count: 0 }
      does(() => {
        state.count += 1
        return Effect.andThen(gate.await, state.count % 3 === 0 ? Effect.fail(refuses(503)) : Effect.void)
      })
      yield* put({ userId: "order_contact" })
      const people = ["order_contact", "order_stranger", "order_later"]
      const write = (n: number) =>
        Effect.forEach(people, (distinctId) => set({ distinctId, set: { n } }), { concurrency: "unbounded" })
      yield* Effect.forEach(
        times(10, (n) => n),
        write,
        { concurrency: "unbounded" }
      )
      yield* put({ userId: "order_later" })
      yield* gate.open
      yield* Effect.forEach(
        times(10, (n) => n + 10),
        write,
        { concurrency: "unbounded" }
      )
      yield* until(
        Effect.sync(() => took.length),
        (count) => count === 60
      )
      for (const person of people) {
        const own = took.flatMap(({ data }) =>
          "set" in data && data.distinctId === person ? [Number(data.set?.n)] : []
        )
        expect(own, person).toEqual(times(20, (n) => n))
      }
    })
  )
})
